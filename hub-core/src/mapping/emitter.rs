//! Who states a record: the parts of its name, and the shapes a part may have.
//!
//! A record of an emitter nobody knows would be judged by no snapshot, and leave its place in its own: one that has not its shape is
//! refused.

use super::compile::Compiler;
use super::diagnostic::Diagnostic;
use super::operation::has_shape;
use super::path::Path;
use super::tree::{Node, Tree};
use super::{Key, Scope, text_at};
use crate::code::Code;

/// The parts of an emitter's name.
#[derive(Debug, Clone, Default)]
pub(super) struct Emitter {
    pub key: Key,
    /// The parts that must have one of these shapes of letters (`A`) and digits (`9`).
    shaped: Vec<(Vec<Path>, Vec<String>)>,
}

impl Emitter {
    /// Whether all parts that must have a shape have one.
    pub fn is_well_formed(&self, scope: Scope<'_>, nulls: &[String]) -> bool {
        self.shaped.iter().all(|(paths, shapes)| {
            let text = text_at(paths, scope, nulls).unwrap_or_default();
            shapes.iter().any(|shape| has_shape(text, shape))
        })
    }
}

impl Compiler<'_> {
    /// Each part is a path, a list of those it may stand at, or `from` with `like`.
    pub(super) fn emitter(&mut self, tree: &Tree) -> Emitter {
        let mut emitter = Emitter::default();
        for part in tree.elements() {
            let (paths, shapes) = match part.node {
                Node::Map(_) => self.shaped_part(part).unwrap_or_default(),
                _ => (self.paths(part), Vec::new()),
            };
            emitter.shaped.extend((!shapes.is_empty()).then(|| (paths.clone(), shapes)));
            emitter.key.push(paths);
        }
        emitter
    }

    fn shaped_part(&mut self, part: &Tree) -> Option<(Vec<Path>, Vec<String>)> {
        self.check_keys(part, &["from", "like"]);
        let paths = self.required(part, "from").map(|from| self.paths(from))?;
        let like = self.required(part, "like")?;
        let shapes: Vec<String> = like
            .elements()
            .iter()
            .filter_map(Tree::text)
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect();
        if shapes.is_empty() {
            let message = "`like` names the shapes a part may have, such as `['999']`";
            self.found.push(Diagnostic::new(Code::MappingShape, like.span.clone(), message));
        }
        Some((paths, shapes))
    }
}

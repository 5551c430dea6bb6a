//! The mapping compiler: checked once, at load, so that a run never meets a mistake of the mapping's author.
//!
//! YAML text, the canonical schema and the code lists enter; a [`Mapping`], or every mistake found, leaves.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::codes::{CodeList, CodeLists};
use super::condition::Condition;
use super::diagnostic::Diagnostic;
use super::extend::upon;
use super::operation::{self, Operation};
use super::path::Path;
use super::rule::{Origin, Policy, PrecisionRule, Rule, ValueRule};
use super::tree::{Node, Tree};
use super::{AsOf, Key, Mapping, PersonRules, RecordRules};
use crate::canonical::date::Form;
use crate::canonical::kind::{Kind, Reads};
use crate::canonical::{Canon, FieldId, Value};
use crate::code::Code;
use crate::connector::{Dialect, Limits};
use crate::record::Names;

/// Compiles a mapping file that extends no other.
///
/// # Errors
/// Every mistake found, in file order.
pub fn compile(text: &str, canon: &Canon, lists: &CodeLists) -> Result<Mapping, Vec<Diagnostic>> {
    compile_upon(None, text, canon, lists)
}

/// Compiles a mapping file upon the text of the one it extends, as [`super::extended`] names it.
///
/// # Errors
/// Every mistake found, in file order.
pub fn compile_upon(
    base: Option<&str>,
    text: &str,
    canon: &Canon,
    lists: &CodeLists,
) -> Result<Mapping, Vec<Diagnostic>> {
    let tree = Tree::parse(text).and_then(|tree| upon(base, tree)).map_err(|diagnostic| vec![diagnostic])?;
    let mut compiler =
        Compiler { canon, lists, names: Names::default(), csv: false, used: Xxh3::new(), found: Vec::new() };
    compiler.used.update(base.unwrap_or_default().as_bytes());
    compiler.used.update(text.as_bytes());
    let mapping = compiler.mapping(&tree);
    let mut found = compiler.found;
    match mapping {
        Some(mapping) if found.is_empty() => Ok(mapping),
        _ => {
            found.sort_by_key(|diagnostic| diagnostic.span.start);
            Err(found)
        }
    }
}

pub(super) struct Compiler<'a> {
    pub canon: &'a Canon,
    lists: &'a CodeLists,
    pub names: Names,
    pub csv: bool,
    used: Xxh3,
    pub found: Vec<Diagnostic>,
}

const VALUE_KEYS: &[&str] =
    &["from", "value", "join", "agree", "do", "codes", "forms", "precision", "when", "missing", "invalid"];

impl Compiler<'_> {
    fn mapping(&mut self, tree: &Tree) -> Option<Mapping> {
        self.check_keys(
            tree,
            &[
                "mapping", "version", "source", "title", "extends", "format", "detect", "delivery", "record",
                "persons",
            ],
        );
        let id = self.required_text(tree, "mapping");
        let version = self.required_text(tree, "version");
        let source = self.required_text(tree, "source");
        let title = tree.get("title").and_then(Tree::text).unwrap_or_default().to_owned();
        let (layout, encoding, nulls) = self.format(tree)?;
        let detect = tree.get("detect").map(|d| self.detect(d)).unwrap_or_default();
        let delivery = tree.get("delivery").map(|d| self.delivery(d)).unwrap_or_default();
        let record = self.record(tree)?;
        let persons = self.persons(tree)?;
        let dialect = Dialect { layout, encoding, names: self.names.clone(), limits: Limits::default() };
        let fingerprint = self.used.digest();
        Some(Mapping {
            id: id?,
            version: version?,
            source: source?,
            title,
            dialect,
            fingerprint,
            nulls,
            detect,
            delivery,
            record,
            persons,
        })
    }

    fn record(&mut self, tree: &Tree) -> Option<RecordRules> {
        let section = self.required(tree, "record")?;
        self.check_keys(section, &["key", "or", "emitter", "as_of"]);
        let written = self.required(section, "key")?;
        let key = self.key(written);
        if key.is_empty() {
            let message = "`key` names what identifies a record: a column or path at least";
            self.found.push(Diagnostic::new(Code::BadPath, written.span.clone(), message));
        }
        let or = section.get("or").map(|k| self.key(k)).unwrap_or_default();
        let emitter = section.get("emitter").map(|e| self.emitter(e)).unwrap_or_default();
        let as_of = section.get("as_of").and_then(|as_of| self.as_of(as_of));
        Some(RecordRules { key, or, emitter, as_of, line: line_of(section) })
    }

    /// Each part is a path, or a list of those it may stand at.
    pub(super) fn key(&mut self, tree: &Tree) -> Key {
        tree.elements().iter().map(|part| self.paths(part)).collect()
    }

    fn as_of(&mut self, tree: &Tree) -> Option<AsOf> {
        if matches!(tree.node, Node::Scalar(_)) {
            return Some(AsOf { path: self.path(tree)?, forms: Form::ALL.to_vec() });
        }
        self.check_keys(tree, &["from", "forms"]);
        let path = self.required(tree, "from").and_then(|from| self.path(from))?;
        let forms = tree.get("forms").map_or_else(|| Form::ALL.to_vec(), |forms| self.forms(forms));
        Some(AsOf { path, forms })
    }

    fn persons(&mut self, tree: &Tree) -> Option<PersonRules> {
        let section = self.required(tree, "persons")?;
        self.check_keys(section, &["each", "key", "when", "blanks", "fields"]);
        let each = section.get("each").and_then(|e| self.path(e));
        let key = section.get("key").map(|k| self.key(k)).unwrap_or_default();
        let when = section.get("when").and_then(|w| self.condition(w));
        let keeps_blanks = section.get("blanks").is_some_and(|blanks| self.keeps(blanks));
        let fields = self.required(section, "fields")?;
        let mut rules: Vec<Rule> =
            fields.entries().iter().filter_map(|(name, rule)| self.rule(name, rule)).collect();
        rules.sort_by_key(Rule::field);
        self.check_identity(&rules, section);
        let qualified = |rule: &Rule| Some((rule.field(), self.canon.field(rule.field()).qualifies?));
        let qualifiers = rules.iter().filter_map(qualified).collect();
        Some(PersonRules { each, key, when, keeps_blanks, rules, qualifiers, line: line_of(section) })
    }

    fn keeps(&mut self, blanks: &Tree) -> bool {
        let word = blanks.text().unwrap_or_default();
        if !["keep", "clear"].contains(&word) {
            let message = format!("`blanks` is `keep` or `clear`, found `{word}`");
            let diagnostic = Diagnostic::new(Code::MappingShape, blanks.span.clone(), message);
            self.found.push(diagnostic.near(word, ["keep", "clear"]));
        }
        word == "keep"
    }

    fn check_identity(&mut self, rules: &[Rule], section: &Tree) {
        let has =
            |path: &str| self.canon.find(path).is_some_and(|id| rules.iter().any(|rule| rule.field() == id));
        let by_number = has("identite.nir")
            || rules
                .iter()
                .any(|rule| self.canon.field(rule.field()).path.starts_with("identifiants.identifiant_"));
        let by_name =
            (has("identite.nom_naissance") || has("identite.nom_usage")) && has("identite.date_naissance");
        if !by_number && !by_name {
            let message = "these fields never tell who the person is";
            self.found.push(Diagnostic::new(Code::NeverIdentified, section.span.clone(), message));
        }
    }

    fn rule(&mut self, name: &Tree, rule: &Tree) -> Option<Rule> {
        let path = name.text().unwrap_or_default();
        let Some(field) = self.canon.find(path) else {
            let known = self.canon.fields().map(|(_, f)| f.path.as_str()).filter(|p| !p.contains("[]"));
            let message = format!("the canonical record has no field `{path}`");
            let diagnostic =
                Diagnostic::new(Code::UnknownField, name.span.clone(), message).near(path, known);
            self.found.push(diagnostic);
            return None;
        };
        if self.canon.field(field).kind == Kind::List {
            self.list_rule(field, rule, line_of(name)).map(Rule::List)
        } else {
            self.value_rule(field, rule, line_of(name)).map(Rule::Value)
        }
    }

    pub(super) fn value_rule(&mut self, field: FieldId, rule: &Tree, line: u32) -> Option<ValueRule> {
        if matches!(rule.node, Node::Scalar(_)) {
            let origin = Origin::First(vec![self.path(rule)?]);
            return Some(self.plain(field, origin, line));
        }
        self.check_keys(rule, VALUE_KEYS);
        let origin = self.origin(field, rule)?;
        let mut compiled = self.plain(field, origin, line);
        let kind = compiled.kind;
        compiled.operations = self.operations(rule);
        compiled.codes = rule.get("codes").and_then(|name| self.code_list(field, name));
        for key in ["forms", "precision"] {
            if let (Some(tree), true) = (rule.get(key), kind != Kind::Date) {
                let message = format!("`{key}` is for dates; `{}` is not one", self.canon.field(field).path);
                self.found.push(Diagnostic::new(Code::OperationType, tree.span.clone(), message));
            }
        }
        if let Some(forms) = rule.get("forms") {
            compiled.forms = self.forms(forms);
        }
        compiled.precision = rule.get("precision").and_then(|p| self.precision(p));
        compiled.when = rule.get("when").and_then(|w| self.condition(w));
        compiled.missing = self.policy(rule, "missing");
        compiled.invalid = self.policy(rule, "invalid");
        Some(compiled)
    }

    pub(super) fn plain(&self, field: FieldId, origin: Origin, line: u32) -> ValueRule {
        ValueRule {
            field,
            kind: self.canon.field(field).kind,
            past: self.canon.field(field).past,
            line,
            origin,
            operations: Vec::new(),
            codes: None,
            forms: Form::ALL.to_vec(),
            precision: None,
            when: None,
            missing: Policy::Drop,
            invalid: Policy::Drop,
        }
    }

    fn origin(&mut self, field: FieldId, rule: &Tree) -> Option<Origin> {
        match (rule.get("from"), rule.get("value")) {
            (Some(from), None) => {
                let agree = rule.get("agree").is_some_and(|agree| self.agree(agree, rule));
                Some(match rule.get("join").and_then(Tree::text) {
                    Some(separator) => Origin::Joined(self.key(from), separator.to_owned()),
                    None if agree => Origin::Agreed(self.paths(from)),
                    None => Origin::First(self.paths(from)),
                })
            }
            (None, Some(value)) => self.constant(field, value).map(Origin::Constant),
            _ => {
                let message = "a rule takes exactly one of `from` and `value`";
                self.found.push(Diagnostic::new(Code::MissingSource, rule.span.clone(), message));
                None
            }
        }
    }

    fn agree(&mut self, agree: &Tree, rule: &Tree) -> bool {
        let word = agree.text().unwrap_or_default();
        let message = match (word, rule.get("join")) {
            ("true" | "false", None) => return word == "true",
            ("true" | "false", Some(_)) => "`agree` and `join` do not go together".to_owned(),
            _ => format!("`agree` is `true` or `false`, found `{word}`"),
        };
        self.found.push(Diagnostic::new(Code::MappingShape, agree.span.clone(), message));
        false
    }

    /// Types a constant as the field's own kind would type a text.
    pub fn constant(&mut self, field: FieldId, value: &Tree) -> Option<Value> {
        let text = value.text().unwrap_or_default();
        self.found.extend(self.not_admitted(field, text, value));
        let kind = self.canon.field(field).kind;
        let parsed = kind.parse(text, Reads::default()).ok().and_then(|parsed| parsed.value);
        if parsed.is_none() {
            let message = format!("`{text}` is not a value of `{}`", self.canon.field(field).path);
            self.found.push(Diagnostic::new(Code::CodeTarget, value.span.clone(), message));
        }
        parsed
    }

    fn not_admitted(&self, field: FieldId, text: &str, at: &Tree) -> Option<Diagnostic> {
        let canonical = self.canon.field(field);
        let admitted = canonical.admitted.as_ref()?;
        if admitted.iter().any(|value| value == text) {
            return None;
        }
        let message = format!("`{}` does not admit `{text}`", canonical.path);
        let diagnostic = Diagnostic::new(Code::CodeTarget, at.span.clone(), message);
        Some(diagnostic.near(text, admitted.iter().map(String::as_str)))
    }

    fn code_list(&mut self, field: FieldId, name: &Tree) -> Option<Arc<CodeList>> {
        let wanted = name.text().unwrap_or_default();
        let Some((list, hash)) = self.lists.lists.get(wanted) else {
            let message = format!("there is no code list `{wanted}` beside this mapping");
            let known = self.lists.lists.keys().map(String::as_str);
            self.found
                .push(Diagnostic::new(Code::UnknownCodeList, name.span.clone(), message).near(wanted, known));
            return None;
        };
        self.used.update(&hash.to_le_bytes());
        let list = Arc::clone(list);
        for (line, value) in list.values() {
            let wrong = self.not_admitted(field, value, name);
            self.found.extend(wrong.map(|wrong| wrong.in_list(wanted, line)));
        }
        Some(list)
    }

    pub(super) fn operations(&mut self, rule: &Tree) -> Vec<Operation> {
        let written = rule.get("do").map(Tree::elements).unwrap_or_default();
        let mut operations = Vec::with_capacity(written.len());
        for tree in written {
            let text = tree.text().unwrap_or_default();
            match Operation::parse(text) {
                Ok(operation) => operations.push(operation),
                Err(message) => {
                    let name = text.split('(').next().unwrap_or(text);
                    let known = operation::NAMES.iter().copied();
                    let diagnostic = Diagnostic::new(Code::UnknownOperation, tree.span.clone(), message);
                    self.found.push(diagnostic.near(name, known));
                }
            }
        }
        operations
    }

    fn forms(&mut self, tree: &Tree) -> Vec<Form> {
        let mut forms = Vec::new();
        for element in tree.elements() {
            let name = element.text().unwrap_or_default();
            if let Some(form) = Form::named(name) {
                forms.push(form);
            } else {
                let message = format!("there is no date form `{name}`");
                let diagnostic = Diagnostic::new(Code::OperationType, element.span.clone(), message);
                self.found.push(diagnostic.near(name, Form::NAMES.iter().copied()));
            }
        }
        forms
    }

    fn precision(&mut self, tree: &Tree) -> Option<PrecisionRule> {
        self.check_keys(tree, &["from", "mois", "annee"]);
        let words = |key| {
            tree.get(key)
                .map(Tree::elements)
                .unwrap_or_default()
                .iter()
                .filter_map(|t| t.text().map(str::to_owned))
                .collect()
        };
        let (month, year) = (words("mois"), words("annee"));
        let path = self.required(tree, "from").and_then(|from| self.path(from))?;
        Some(PrecisionRule { path, month, year })
    }

    pub(super) fn policy(&mut self, rule: &Tree, key: &str) -> Policy {
        let Some(tree) = rule.get(key) else {
            return Policy::Drop;
        };
        match tree.text() {
            Some("drop") => Policy::Drop,
            Some("reject") => Policy::Reject,
            other => {
                let message = format!("`{key}` is `drop` or `reject`, found `{}`", other.unwrap_or("a list"));
                self.found.push(Diagnostic::new(Code::UnknownKey, tree.span.clone(), message));
                Policy::Drop
            }
        }
    }

    pub fn condition(&mut self, tree: &Tree) -> Option<Condition> {
        let text = tree.text().unwrap_or_default();
        let parsed = Condition::parse(text, &mut self.names, self.csv);
        parsed
            .map_err(|message| {
                self.found.push(Diagnostic::new(Code::BadExpression, tree.span.clone(), message));
            })
            .ok()
    }

    pub fn paths(&mut self, tree: &Tree) -> Vec<Path> {
        tree.elements().iter().filter_map(|element| self.path(element)).collect()
    }

    pub fn path(&mut self, tree: &Tree) -> Option<Path> {
        let text = tree.text().unwrap_or_default();
        if self.csv && !text.is_empty() {
            return Some(Path::column(text, &mut self.names));
        }
        Path::parse(text, &mut self.names)
            .map_err(|message| self.found.push(Diagnostic::new(Code::BadPath, tree.span.clone(), message)))
            .ok()
    }

    pub fn check_keys(&mut self, tree: &Tree, allowed: &[&str]) {
        for (key, _) in tree.entries() {
            let name = key.text().unwrap_or_default();
            if !allowed.contains(&name) {
                let message = format!("unknown key `{name}`; expected one of {}", allowed.join(", "));
                let diagnostic = Diagnostic::new(Code::UnknownKey, key.span.clone(), message);
                self.found.push(diagnostic.near(name, allowed.iter().copied()));
            }
        }
        if !matches!(tree.node, Node::Map(_)) {
            let message = format!("expected a map with the keys {}", allowed.join(", "));
            self.found.push(Diagnostic::new(Code::MappingShape, tree.span.clone(), message));
        }
    }

    pub fn required<'t>(&mut self, tree: &'t Tree, key: &str) -> Option<&'t Tree> {
        let found = tree.get(key);
        if found.is_none() {
            let message = format!("the key `{key}` is missing here");
            self.found.push(Diagnostic::new(Code::MappingShape, tree.span.clone(), message));
        }
        found
    }

    fn required_text(&mut self, tree: &Tree, key: &str) -> Option<String> {
        let value = self.required(tree, key)?;
        if value.text().is_none_or(|text| text.trim().is_empty()) {
            let message = format!("`{key}` must be a text");
            self.found.push(Diagnostic::new(Code::MappingShape, value.span.clone(), message));
        }
        value.text().map(str::to_owned)
    }
}

pub(super) fn line_of(tree: &Tree) -> u32 {
    u32::try_from(tree.line).unwrap_or(u32::MAX)
}

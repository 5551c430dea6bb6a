//! One mapping upon another: an institution that sends another's format writes only what differs.
//!
//! The tree of a mapping and the text of the one it extends enter; the tree with the sections it does not write itself leaves.

use super::diagnostic::Diagnostic;
use super::tree::Tree;
use crate::code::Code;

/// The mapping a mapping file extends, if it says so.
pub fn extended(text: &str) -> Option<String> {
    let tree = Tree::parse(text).ok()?;
    tree.get("extends").and_then(Tree::text).map(str::to_owned)
}

/// What a mapping says of itself; it inherits the rest.
const OWN_KEYS: [&str; 5] = ["mapping", "version", "source", "title", "extends"];

/// A mapping with the sections it does not write itself.
pub(super) fn upon(base: Option<&str>, tree: Tree) -> Result<Tree, Diagnostic> {
    let Some(extends) = tree.get("extends").cloned() else { return Ok(tree) };
    let name = extends.text().unwrap_or_default();
    let mistake = |message| Diagnostic::new(Code::MappingShape, extends.span.clone(), message);
    let base = base.ok_or_else(|| mistake(format!("there is no mapping `{name}` to extend")))?;
    let base = Tree::parse(base).map_err(|_| mistake(format!("`{name}` is not readable")))?;
    if base.get("extends").is_some() {
        return Err(mistake(format!("`{name}` extends another itself: extend that one")));
    }
    Ok(tree.over(base, |key| !OWN_KEYS.contains(&key), &extends))
}

#[cfg(test)]
mod tests {
    use crate::canonical::Canon;
    use crate::code::Code;
    use crate::mapping::{CodeLists, Mapping, compile, compile_upon, extended};

    const BASE: &str = "mapping: a/x\nversion: \"1\"\nsource: a\ntitle: A\nformat: {csv: {}}\ndetect:\n  - {columns: [nom, ne]}\n\
        record: {key: [id]}\npersons:\n  fields: {identite.nom_usage: nom, identite.date_naissance: ne}\n";
    const OWN: &str =
        "mapping: b/x\nversion: \"2\"\nsource: b\ntitle: B\nextends: a/x\nrecord: {key: [numero]}\n";

    fn upon(base: Option<&str>, text: &str) -> Result<Mapping, Vec<(Code, String)>> {
        let canon =
            Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema");
        let shown = |d: &super::Diagnostic| (d.code, text.get(d.span.clone()).unwrap_or("?").to_owned());
        compile_upon(base, text, &canon, &CodeLists::default())
            .map_err(|found| found.iter().map(shown).collect())
    }

    #[test]
    fn a_mapping_takes_over_the_sections_it_does_not_write() {
        assert_eq!((extended(OWN).as_deref(), extended(BASE)), (Some("a/x"), None));
        let own = upon(Some(BASE), OWN).expect("a mapping");
        assert_eq!((own.name().as_str(), own.source.as_str(), own.title.as_str()), ("b/x@2", "b", "B"));
        let names: Vec<bool> =
            ["nom", "ne", "numero", "id"].map(|n| own.dialect.names.get(n).is_some()).to_vec();
        assert_eq!(names, [true, true, true, false]);
        let changed = upon(Some(&BASE.replace("ne}", "nele}")), OWN).expect("a mapping");
        assert_ne!(own.fingerprint, changed.fingerprint);
    }

    #[test]
    fn a_mistake_in_what_is_taken_over_is_underlined_where_it_is_named() {
        for (base, expected) in [
            (None, vec![(Code::MappingShape, "a/x".to_owned())]),
            (Some(OWN.to_owned()), vec![(Code::MappingShape, "a/x".to_owned())]),
            (Some("a: [".to_owned()), vec![(Code::MappingShape, "a/x".to_owned())]),
            (
                Some(BASE.replace("nom_usage", "nom_usag")),
                vec![(Code::UnknownField, "a/x".to_owned()), (Code::NeverIdentified, "a/x".to_owned())],
            ),
        ] {
            assert_eq!(upon(base.as_deref(), OWN).map(|m| m.id), Err(expected));
        }
        let canon =
            Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema");
        assert!(compile(OWN, &canon, &CodeLists::default()).is_err());
    }
}

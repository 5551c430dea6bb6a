//! Code lists: what a feed's codes mean in the canonical record.
//!
//! A CSV beside the mapping (`code;valeur;libelle`) enters, a look-up leaves. Lists are open: an unknown code is kept as stated
//! and reported, because institutions add codes several times a year.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use compact_str::CompactString;

use super::diagnostic::Diagnostic;
use crate::code::Code;

/// A code list of one feed and version.
#[derive(Debug, Clone, Default)]
pub struct CodeList {
    values: HashMap<CompactString, CompactString>,
}

impl CodeList {
    /// Reads the CSV text.
    ///
    /// # Errors
    /// [`Code::BadCodeList`] naming the line; the span is in the CSV.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let text = text.trim_start_matches('\u{feff}');
        let mut values = HashMap::new();
        let mut at = 0;
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let span = at..at + line.trim_end().len();
            at += line.len();
            let cells: Vec<&str> =
                line.trim_end().splitn(3, ';').map(|cell| cell.trim().trim_matches('"')).collect();
            let bad = |message: String| Diagnostic::new(Code::BadCodeList, span.clone(), message);
            match (number, cells.as_slice()) {
                (1, ["code", "valeur", "libelle"]) => {}
                (1, _) => {
                    return Err(bad("the first line must be `code;valeur;libelle`".to_owned()));
                }
                (_, [""]) => {}
                (_, [code, valeur, ..]) if !valeur.is_empty() => {
                    if values.insert(CompactString::from(*code), CompactString::from(*valeur)).is_some() {
                        return Err(bad(format!("line {number}: the code `{code}` is there twice")));
                    }
                }
                _ => {
                    return Err(bad(format!("line {number}: expected `code;valeur;libelle`")));
                }
            }
        }
        Ok(Self { values })
    }

    /// The canonical value of a code, as the feed writes it, trimmed.
    pub fn get(&self, code: &str) -> Option<&CompactString> {
        self.values.get(code)
    }

    /// Every canonical value.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.values().map(CompactString::as_str)
    }
}

/// The code lists that stand beside a mapping, by name.
#[derive(Debug, Clone, Default)]
pub struct CodeLists {
    pub(super) lists: BTreeMap<String, (Arc<CodeList>, u64)>,
}

impl CodeLists {
    /// Adds the text of one list.
    ///
    /// # Errors
    /// [`Code::BadCodeList`] naming the line.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), Diagnostic> {
        let list = CodeList::parse(text)?;
        self.lists.insert(name.to_owned(), (Arc::new(list), xxhash_rust::xxh3::xxh3_64(text.as_bytes())));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_maps_codes_and_refuses_doubles() {
        let list =
            CodeList::parse("code;valeur;libelle\n1;homme;Homme\n2;femme;\"Femme; Mme\"\n").expect("a list");
        assert_eq!(list.get("2").map(CompactString::as_str), Some("femme"));
        for text in ["", "a;b\n", "code;valeur;libelle\n1;\n", "code;valeur;libelle\n1;a;\n1;b;\n"] {
            assert_eq!(
                CodeList::parse(text).err().map(|d| d.code),
                Some(Code::BadCodeList).filter(|_| !text.is_empty())
            );
        }
    }
}

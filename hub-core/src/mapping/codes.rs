//! Code lists: what a feed's codes mean in the canonical record.
//!
//! A CSV beside the mapping (`code;valeur;libelle`) enters, a look-up leaves. Lists are open: an unknown code is kept as stated
//! and reported, because institutions add codes several times a year.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use compact_str::CompactString;

use super::diagnostic::Diagnostic;
use crate::code::Code;

/// A code list of one feed and version.
#[derive(Debug, Clone, Default)]
pub struct CodeList {
    /// Name of its file, without `.csv`.
    pub name: String,
    entries: HashMap<CompactString, Entry>,
}

/// What a code means, and the line that says so.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub value: CompactString,
    pub line: u32,
}

impl CodeList {
    /// Reads the CSV text of the list of this name.
    ///
    /// # Errors
    /// [`Code::BadCodeList`] naming the line; the span is in the CSV.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostic> {
        let mut entries = HashMap::new();
        let marked = text.len();
        let text = text.trim_start_matches('\u{feff}');
        let mut at = marked - text.len();
        for (number, line) in (1u32..).zip(text.split_inclusive('\n')) {
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
                    let entry = Entry { value: CompactString::from(*valeur), line: number };
                    if entries.insert(CompactString::from(*code), entry).is_some() {
                        return Err(bad(format!("line {number}: the code `{code}` is there twice")));
                    }
                }
                _ => {
                    return Err(bad(format!("line {number}: expected `code;valeur;libelle`")));
                }
            }
        }
        Ok(Self { name: name.to_owned(), entries })
    }

    /// The canonical value of a code, as the feed writes it, trimmed.
    pub fn get(&self, code: &str) -> Option<&CompactString> {
        self.entry(code).map(|entry| &entry.value)
    }

    pub(super) fn entry(&self, code: &str) -> Option<&Entry> {
        self.entries.get(code)
    }

    /// Every code with the line it stands at, in file order.
    pub fn lines(&self) -> Vec<(u32, &str)> {
        let mut lines: Vec<_> =
            self.entries.iter().map(|(code, entry)| (entry.line, code.as_str())).collect();
        lines.sort_unstable();
        lines
    }

    /// Every canonical value once, with the first line it stands at, in file order.
    pub fn values(&self) -> Vec<(u32, &str)> {
        let mut values: Vec<_> =
            self.entries.values().map(|entry| (entry.line, entry.value.as_str())).collect();
        values.sort_unstable();
        let mut met = HashSet::new();
        values.retain(|(_, value)| met.insert(*value));
        values
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
        let list = CodeList::parse(name, text)?;
        self.lists.insert(name.to_owned(), (Arc::new(list), xxhash_rust::xxh3::xxh3_64(text.as_bytes())));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_maps_codes_and_refuses_doubles() {
        let text = "code;valeur;libelle\n1;homme;Homme\n2;femme;\"Femme; Mme\"\n";
        let list = CodeList::parse("sexe", text).expect("a list");
        assert_eq!(list.lines(), [(2, "1"), (3, "2")]);
        assert_eq!(list.get("2").map(CompactString::as_str), Some("femme"));
        for text in ["", "a;b\n", "code;valeur;libelle\n1;\n", "code;valeur;libelle\n1;a;\n1;b;\n"] {
            assert_eq!(
                CodeList::parse("sexe", text).err().map(|d| d.code),
                Some(Code::BadCodeList).filter(|_| !text.is_empty())
            );
        }
    }

    #[test]
    fn a_mistake_is_underlined_where_it_stands_also_after_a_mark_of_utf8() {
        let text = "\u{feff}code;valeur;libelle\n1;\n";
        let mistake = CodeList::parse("sexe", text).expect_err("a mistake");
        assert_eq!(text.get(mistake.span), Some("1;"));
    }
}

//! French text folding, shared by header matching, identity and the typed operations.
//!
//! Text enters, accent-free or upper-case text leaves. Covers Latin letters, with whatever
//! accents; any other letter stays as it is.

use compact_str::CompactString;
use unicode_normalization::char::decompose_canonical;

/// The letter without its diacritics, as one or two base letters (`é` → `e`, `Œ` → `OE`).
pub fn base_letter(c: char) -> BaseLetter {
    let two = |a: char, b: char| BaseLetter([a, b]);
    let one = |a: char| BaseLetter([a, '\0']);
    match c {
        'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => one('A'),
        'à'..='å' | 'ā' | 'ă' | 'ą' => one('a'),
        'Æ' => two('A', 'E'),
        'æ' => two('a', 'e'),
        'Ç' | 'Ć' | 'Č' => one('C'),
        'ç' | 'ć' | 'č' => one('c'),
        'È'..='Ë' | 'Ē' | 'Ę' | 'Ě' | 'Ə' => one('E'),
        'è'..='ë' | 'ē' | 'ę' | 'ě' | 'ə' => one('e'),
        'Ì'..='Ï' | 'İ' => one('I'),
        'ì'..='ï' | 'ı' => one('i'),
        'Ñ' | 'Ń' | 'Ň' | 'Ŋ' => one('N'),
        'ñ' | 'ń' | 'ň' | 'ŋ' => one('n'),
        'Ò'..='Ö' | 'Ø' | 'Ő' => one('O'),
        'ò'..='ö' | 'ø' | 'ő' => one('o'),
        'Œ' => two('O', 'E'),
        'œ' => two('o', 'e'),
        'Š' | 'Ś' | 'Ş' => one('S'),
        'š' | 'ś' | 'ş' => one('s'),
        'ß' => two('s', 's'),
        'Ù'..='Ü' | 'Ů' | 'Ű' => one('U'),
        'ù'..='ü' | 'ů' | 'ű' => one('u'),
        'Ý' | 'Ÿ' => one('Y'),
        'ý' | 'ÿ' => one('y'),
        'Ž' | 'Ź' | 'Ż' => one('Z'),
        'ž' | 'ź' | 'ż' => one('z'),
        'Ł' => one('L'),
        'ł' => one('l'),
        'Đ' | 'Ð' => one('D'),
        'đ' => one('d'),
        'Ğ' => one('G'),
        'ğ' => one('g'),
        'Ț' | 'Ţ' => one('T'),
        'ț' | 'ţ' => one('t'),
        'Ħ' => one('H'),
        'ħ' => one('h'),
        'Þ' => two('T', 'H'),
        'þ' => two('t', 'h'),
        other if other.is_ascii() => one(other),
        other => one(undecorated(other)),
    }
}

/// A letter without the accents Unicode puts it together from, however many: Vietnamese has two on one.
fn undecorated(letter: char) -> char {
    let mut base = None;
    decompose_canonical(letter, |part| base = base.or(Some(part)));
    base.filter(char::is_ascii).unwrap_or(letter)
}

/// One or two base letters, the second `\0` when absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseLetter([char; 2]);

impl BaseLetter {
    /// The letters.
    pub fn chars(self) -> impl Iterator<Item = char> {
        self.0.into_iter().filter(|c| *c != '\0')
    }
}

/// Folds a name for comparison: accent-free, upper-case, `-`, `'` and runs of white space as one space.
pub fn fold_name(name: &str) -> CompactString {
    let mut folded = CompactString::with_capacity(name.len());
    for c in name.chars() {
        // A combining accent belongs to the letter before it; U+02BC is an apostrophe Unicode calls a letter.
        let (accent, letter) = (matches!(c, '\u{300}'..='\u{36f}'), c.is_alphanumeric() && c != '\u{2bc}');
        if accent {
            continue;
        }
        if letter {
            folded.extend(base_letter(c).chars().flat_map(char::to_uppercase));
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_alike_whatever_their_accents_and_hyphens() {
        for (given, folded) in [
            ("Lefèvre-Œuvrard", "LEFEVRE OEUVRARD"),
            (" d’Angelo  ", "D ANGELO"),
            ("JEAN  PIERRE", "JEAN PIERRE"),
            ("Le\u{300}vre", "LEVRE"),
            ("D\u{2bc}Almeida", "D ALMEIDA"),
            ("Nguyễn Thị Ngọc Ánh", "NGUYEN THI NGOC ANH"),
            ("Șerban-Ķēniņš", "SERBAN KENINS"),
            ("Þórsdóttir", "THORSDOTTIR"),
            ("김", "김"),
            ("", ""),
            ("--", ""),
        ] {
            assert_eq!(fold_name(given), folded);
        }
    }
}

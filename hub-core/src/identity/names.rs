//! When two folded names, given names or births may be those of one person.
//!
//! Folded texts enter, yes or no leaves. Sources cut names at 28 characters, given names at 32 and further ones at 15 (CNAF NOM,
//! NOMNAI, PRENOM, PRENOM2), disagree on how many given names they state, and may know only the month of a birth.

/// A name this long may have been cut: 28 characters, less a space or hyphen at the cut.
const CUT_CHARS: usize = 27;
/// And so may a second or third given name this long.
const CUT_GIVEN_CHARS: std::ops::RangeInclusive<usize> = 14..=15;

/// The same text, or one of them cut.
pub(super) fn names_agree(a: &str, b: &str) -> bool {
    a == b || cut(a, b) || cut(b, a)
}

fn cut(short: &str, long: &str) -> bool {
    long.starts_with(short) && short.chars().count() >= CUT_CHARS
}

/// Given names in civil order, one source stating more of them than the other: MARIE and MARIE LOUISE, not MARIE ANNE.
pub(super) fn given_agree(a: &str, b: &str) -> bool {
    if a == b || names_agree(a, b) {
        return true;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    a.iter().zip(&b).enumerate().all(|(at, (own, other))| {
        own == other
            || (other.starts_with(own) && cut_given(&a, at))
            || (own.starts_with(other) && cut_given(&b, at))
    })
}

/// Whether the word at a place may end a further given name that was cut.
fn cut_given(words: &[&str], at: usize) -> bool {
    (1..=at).any(|from| {
        let name = words.get(from..=at).unwrap_or_default();
        let letters: usize = name.iter().map(|word| word.chars().count()).sum();
        CUT_GIVEN_CHARS.contains(&(letters + name.len() - 1))
    })
}

/// Equal as far as both are known: `1982-02` agrees with `1982-02-01`.
pub(super) fn births_agree(a: &str, b: &str) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_names_agree_when_one_source_states_more_of_them() {
        for (a, b, wanted) in [
            ("MARIE LOUISE", "MARIE LOUISE", true),
            ("MARIE", "MARIE LOUISE", true),
            ("MARIE LOUISE", "MARIE ANNE", false),
            ("JEAN", "JEANNE", false),
            ("MELINDA ALEXANDRINE JOS", "MELINDA ALEXANDRINE JOSEPHINE", true),
            ("MELINDA ALEXANDRINE JOS PAULE", "MELINDA ALEXANDRINE JOSEPHINE PAULE", true),
            ("MELINDA ANNE JOS", "MELINDA ANNE JOSEPHINE", false),
        ] {
            assert_eq!(given_agree(a, b), wanted, "{a} {b}");
            assert_eq!(given_agree(b, a), wanted, "{b} {a}");
        }
    }

    #[test]
    fn a_name_cut_at_28_characters_agrees_with_the_whole_one() {
        let whole = "MONTALEMBERT DE ROCHEBRUNE SAINT ANGE";
        assert!(names_agree("MONTALEMBERT DE ROCHEBRUNE S", whole));
        assert!(names_agree(whole, "MONTALEMBERT DE ROCHEBRUNE "));
        assert!(!names_agree("MONTALEMBERT", whole));
    }
}

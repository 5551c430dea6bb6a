//! How near two folded names, or given names, are.
//!
//! Sources cut names at 28 characters, given names at 32 and further ones at 15 (CNAF NOM, NOMNAI, PRENOM, PRENOM2), disagree on how
//! many given names they state, know one part of a compound name, write a given name in use that stands second, and mistype.

use std::sync::LazyLock;

use compact_str::CompactString;
use hashbrown::HashSet;
use strsim::osa_distance;

use super::sound::sound;

/// Given names in common use, one spelling of each: `schemas/referentiels/prenoms.txt`, built in.
static IN_USE: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("../../../schemas/referentiels/prenoms.txt").split_ascii_whitespace().collect()
});

/// A name this long may have been cut: 28 characters, less a space or hyphen at the cut.
const CUT_CHARS: usize = 27;
/// And so may a second or third given name this long.
const CUT_GIVEN_CHARS: std::ops::RangeInclusive<usize> = 14..=15;
/// Letters of a name in which one may be wrong, and in which two may.
const ONE_WRONG_FROM: usize = 4;
const TWO_WRONG_FROM: usize = 6;
/// Letters that may differ between names that sound alike.
const SOUND_ALIKE_WRONG: usize = 3;

/// How near two names are, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    Same,
    /// One is a part of the other: one name of a compound one, without its particle or in another order; fewer given names.
    Part,
    /// A given name of one stands among the other's, not first.
    Shared,
    /// Mistyped, or written as it is heard.
    Near,
    Other,
}

/// How near two family names are.
pub(super) fn names(a: &str, b: &str) -> Nearness {
    // A name cut short is the same as far as it goes, which is far.
    if names_agree(a, b) || joined(a).eq(joined(b)) {
        Nearness::Same
    } else if is_part(a, b) || is_part(b, a) || is_told_otherwise(a, b) {
        Nearness::Part
    } else if near(a, b) {
        Nearness::Near
    } else {
        Nearness::Other
    }
}

/// How near two lists of given names are.
pub(super) fn given(a: &str, b: &str) -> Nearness {
    if joined(a).eq(joined(b)) {
        return Nearness::Same;
    }
    if given_agree(a, b) {
        let as_many = a.split(' ').count() == b.split(' ').count();
        return if as_many { Nearness::Same } else { Nearness::Part };
    }
    if is_inside(a, b) || is_inside(b, a) {
        Nearness::Shared
    } else if near_given(a, b) || near_words(a, b) {
        Nearness::Near
    } else {
        Nearness::Other
    }
}

/// Whether every given name of one is among the other's.
pub(super) fn is_inside(few: &str, many: &str) -> bool {
    few.split(' ').all(|word| many.split(' ').any(|other| other == word))
}

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
    a.split(' ').zip(b.split(' ')).enumerate().all(|(at, (own, other))| {
        own == other
            || (other.starts_with(own) && cut_given(a, at))
            || (own.starts_with(other) && cut_given(b, at))
    })
}

/// Whether the word at a place may end a further given name that was cut.
fn cut_given(given: &str, at: usize) -> bool {
    let words: Vec<&str> = given.split(' ').collect();
    (1..=at).any(|from| {
        let name = words.get(from..=at).unwrap_or_default();
        let letters: usize = name.iter().map(|word| word.chars().count()).sum();
        CUT_GIVEN_CHARS.contains(&(letters + name.len() - 1))
    })
}

/// Words that belong to the name behind them.
const PARTICLES: [&str; 16] =
    ["DE", "DU", "DES", "LA", "LE", "LES", "L", "D", "EL", "AL", "BEN", "DA", "DOS", "VAN", "VON", "N"];

/// The parts of a compound name that may stand alone, and the name without the particles it begins with; none of a simple one.
pub(super) fn parts(name: &str) -> Vec<&str> {
    if !name.contains(' ') {
        return Vec::new();
    }
    name.split(' ').filter(says).chain(without_particles(name)).collect()
}

/// What is left of a name as its first particles go: LA TOUR and TOUR of DE LA TOUR.
fn without_particles(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(behind_a_particle(name), |rest| behind_a_particle(rest))
        .filter(|rest| rest.split(' ').any(|word| says(&word)))
}

fn behind_a_particle(name: &str) -> Option<&str> {
    name.split_once(' ').filter(|(word, _)| PARTICLES.contains(word)).map(|(_, rest)| rest)
}

/// Whether two names are one but for the particles one of them begins with, or for the order of their words: LATOUR of DE LA TOUR,
/// SILVA FERREIRA of FERREIRA DA SILVA.
fn is_told_otherwise(a: &str, b: &str) -> bool {
    let begins_later =
        |long: &str, short: &str| without_particles(long).any(|rest| joined(rest).eq(joined(short)));
    let words = |name: &str| {
        let names = name.split(' ').filter(|word| !PARTICLES.contains(word));
        let mut words: Vec<CompactString> = names.map(CompactString::from).collect();
        words.sort_unstable();
        words
    };
    begins_later(a, b)
        || begins_later(b, a)
        || (a.contains(' ') && b.contains(' ') && words(a).len() > 1 && words(a) == words(b))
}

fn says(word: &&str) -> bool {
    word.chars().count() > 2 && !PARTICLES.contains(word)
}

/// Whether a name is one part of a compound one: DUPONT of DUPONT MARTIN, not LE of LE GOFF.
fn is_part(part: &str, whole: &str) -> bool {
    let mut words = part.split(' ').filter(says).peekable();
    words.peek().is_some()
        && words.all(|word| whole.split(' ').any(|other| other == word))
        && whole.split(' ').filter(says).count() > part.split(' ').filter(says).count()
}

fn joined(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|letter| *letter != ' ')
}

/// Each given name of the one who states fewer is nearly one of the other's, in whatever order.
fn near_words(a: &str, b: &str) -> bool {
    let (few, many) = if a.split(' ').count() <= b.split(' ').count() { (a, b) } else { (b, a) };
    few.split(' ').all(|word| many.split(' ').any(|other| word == other || near_given(word, other)))
}

/// Nearly alike, and not two names: LINA is no LILA mistyped, nor CELINE HELENE. A slip seldom makes another name of one.
fn near_given(a: &str, b: &str) -> bool {
    near(a, b) && !differing_words(a, b).any(|(own, other)| IN_USE.contains(own) && IN_USE.contains(other))
}

fn differing_words<'n>(a: &'n str, b: &'n str) -> impl Iterator<Item = (&'n str, &'n str)> {
    a.split(' ').zip(b.split(' ')).filter(|(own, other)| own != other)
}

/// One letter wrong, two in a long name, three when they sound alike. Letters exchanged count as one.
fn near(a: &str, b: &str) -> bool {
    let (letters_a, letters_b) = (a.chars().count(), b.chars().count());
    let (short, long) = (letters_a.min(letters_b), letters_a.max(letters_b));
    if short < ONE_WRONG_FROM || long - short > SOUND_ALIKE_WRONG {
        return false;
    }
    match osa_distance(a, b) {
        0 | 1 => true,
        2 if short >= TWO_WRONG_FROM => true,
        wrong => wrong <= SOUND_ALIKE_WRONG && sound(a) == sound(b),
    }
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

    #[test]
    fn family_names_are_the_same_in_part_or_nearly() {
        for (a, b, wanted) in [
            ("LE GOFF", "LEGOFF", Nearness::Same),
            ("DUPONT", "DUPONT MARTIN", Nearness::Part),
            ("LE", "LE GOFF", Nearness::Other),
            ("FERREIRA SILVA", "SILVA FERREIRA", Nearness::Part),
            ("FERREIRA DA SILVA", "SILVA FERREIRA", Nearness::Part),
            ("DE OLIVEIRA", "OLIVEIRA", Nearness::Part),
            ("EL AMRANI", "AMRANI", Nearness::Part),
            ("DE LA TOUR", "LATOUR", Nearness::Part),
            ("BEN SALAH", "BEN AMAR", Nearness::Other),
            ("LE BLANC", "DU BLANC", Nearness::Near),
            ("NGUYEN DO", "NGUYEN VO", Nearness::Near),
            ("LEFEVRE", "LEFEBVRE", Nearness::Near),
            ("DURAND", "DURNAD", Nearness::Near),
            ("THIBAULT", "TIBAUT", Nearness::Near),
            ("LEE", "LEA", Nearness::Other),
            ("DIALLO", "DIARRA", Nearness::Other),
            ("MARTIN", "BERNARD", Nearness::Other),
        ] {
            assert_eq!((names(a, b), names(b, a)), (wanted, wanted), "{a} {b}");
        }
    }

    #[test]
    fn given_names_are_the_same_in_part_shared_or_nearly() {
        for (a, b, wanted) in [
            ("JEAN PIERRE", "JEANPIERRE", Nearness::Same),
            ("MARIE", "MARIE LOUISE", Nearness::Part),
            ("LOUISE", "MARIE LOUISE", Nearness::Shared),
            ("LOUISE MARIE", "MARIE LOUISE", Nearness::Shared),
            ("MARIE LOUISE", "MARIE ANNE", Nearness::Other),
            ("MOHAMED", "MOUHAMED", Nearness::Near),
            ("MOHAMED ALI", "MOHAMMED", Nearness::Near),
            ("CRISTINA MARIA", "MARYA CRISTINA", Nearness::Near),
            ("LEA", "LEO", Nearness::Other),
            ("JULEIN", "JULIEN", Nearness::Near),
            ("LINA", "LILA", Nearness::Other),
            ("CELINE ROSE", "HELENE", Nearness::Other),
            ("MARIE CLAIRE", "MARIE LAURE", Nearness::Other),
        ] {
            assert_eq!((given(a, b), given(b, a)), (wanted, wanted), "{a} {b}");
        }
    }
}

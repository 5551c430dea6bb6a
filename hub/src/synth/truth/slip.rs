//! Slips of the hand and of the ear: one letter of a name, one digit of a date.
//!
//! A right text and chance enter, a text a person might have written instead leaves, none where there is nothing to get wrong.

use super::super::calendar::Day;
use super::super::random::Random;

/// Rows of a French keyboard.
const KEYS: [&str; 3] = ["azertyuiop", "qsdfghjklm", "wxcvbn"];

/// Letters that sound alike in a French ear: what is right, what is written.
#[rustfmt::skip]
const SOUNDS: &[(&str, &str)] = &[
    ("ph", "f"), ("f", "ph"), ("y", "i"), ("i", "y"), ("ll", "l"), ("l", "ll"), ("nn", "n"), ("n", "nn"), ("tt", "t"), ("t", "tt"),
    ("ss", "s"), ("rr", "r"), ("r", "rr"), ("mm", "m"), ("eau", "au"), ("au", "o"), ("c", "k"), ("k", "c"), ("qu", "k"), ("th", "t"),
    ("t", "th"), ("ck", "k"), ("z", "s"), ("s", "z"), ("ez", "et"), ("ier", "ié"), ("ault", "aud"), ("aud", "ault"), ("ain", "in"),
    ("h", ""), ("g", "gu"), ("oi", "oy"), ("ei", "ai"), ("an", "en"), ("en", "an"), ("é", "er"),
];

/// Nobody known to the feeds was born before, or after.
const YEARS: std::ops::RangeInclusive<u16> = 1940..=2009;
/// Tries to find a digit that still makes a date.
const TRIES: u8 = 16;

/// One letter put for another, left out, put in or exchanged with the next; the first letter is rarely wrong and never here.
pub fn typed(text: &str, random: &mut Random) -> Option<String> {
    let mut letters: Vec<char> = text.chars().collect();
    let places: Vec<usize> = (1..letters.len()).filter(|at| letters[*at].is_alphabetic()).collect();
    if places.len() < 2 {
        return None;
    }
    let at = random.one(&places);
    let letter = letters[at];
    match random.below(100) {
        0..40 => letters[at] = beside(letter, random),
        40..65 => {
            letters.remove(at);
        }
        65..80 => letters.insert(at, beside(letter, random)),
        _ => {
            let next = letters.get(at + 1).is_some_and(|next| next.is_alphabetic());
            let other = if next { at + 1 } else { at - 1 };
            if other == 0 {
                return None;
            }
            letters.swap(at, other);
        }
    }
    let typed: String = letters.into_iter().collect();
    (typed != text && typed.starts_with(char::is_alphabetic)).then_some(typed)
}

/// A letter beside this one on the keyboard.
fn beside(letter: char, random: &mut Random) -> char {
    let row = KEYS.iter().find(|row| row.contains(letter)).unwrap_or(&KEYS[0]);
    let at = row.find(letter).unwrap_or(1);
    let at = if at == 0 || (at + 1 < row.len() && random.percent(50)) { at + 1 } else { at - 1 };
    row[at..].chars().next().unwrap_or('e')
}

/// Written as it was heard.
pub fn heard(text: &str, random: &mut Random) -> Option<String> {
    let start = usize::try_from(random.below(SOUNDS.len() as u64)).unwrap_or(0);
    let mut around = SOUNDS[start..].iter().chain(&SOUNDS[..start]);
    around.find_map(|(right, written)| replaced(text, right, written))
}

/// The last place where `right` stands behind the first letter, rewritten.
fn replaced(text: &str, right: &str, written: &str) -> Option<String> {
    let at = text.rfind(right).filter(|at| *at > 0)?;
    // A doubled letter is not doubled again.
    let behind = &text[at + right.len()..];
    let doubled = written.len() > right.len() && (behind.starts_with(right) || text[..at].ends_with(right));
    (!doubled).then(|| format!("{}{written}{behind}", &text[..at]))
}

/// Day and month in each other's place; none when that is no date or the same.
pub fn exchanged(day: Day) -> Option<Day> {
    let possible = day.of_month <= 12 && day.of_month != day.month;
    possible.then_some(Day { month: day.of_month, of_month: day.month, ..day })
}

/// One digit of the date written wrong.
pub fn misdialled(day: Day, random: &mut Random) -> Option<Day> {
    (0..TRIES).find_map(|_| {
        let digit = |number: u16, random: &mut Random| {
            let unit = random.one(&[1, 10]);
            let digit = number / unit % 10;
            number - digit * unit + random.between(0, 9) * unit
        };
        let mut wrong = day;
        match random.below(3) {
            0 => wrong.of_month = u8::try_from(digit(u16::from(day.of_month), random)).ok()?,
            1 => wrong.month = u8::try_from(digit(u16::from(day.month), random)).ok()?,
            _ => wrong.year = digit(day.year, random),
        }
        let exists = (1..=28).contains(&wrong.of_month) && (1..=12).contains(&wrong.month);
        (exists && YEARS.contains(&wrong.year) && wrong != day).then_some(wrong)
    })
}

/// One digit of a NIR written wrong, behind sex, year and month: it stays one that could be.
pub fn misdialled_number(number: &str, random: &mut Random) -> String {
    let places: Vec<usize> = (5..number.len()).filter(|at| number.as_bytes()[*at].is_ascii_digit()).collect();
    let at = if places.is_empty() { 0 } else { random.one(&places) };
    let other = u32::from(random.between(1, 9));
    let wrong = |(place, letter): (usize, char)| match letter.to_digit(10) {
        Some(digit) if place == at => char::from_digit((digit + other) % 10, 10).unwrap_or('0'),
        _ => letter,
    };
    number.chars().enumerate().map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::random::Purpose;
    use super::*;

    #[test]
    fn a_typo_is_one_step_from_what_is_right_and_keeps_the_first_letter() {
        let mut random = Random::of(Purpose::Telling, &[1]);
        for name in ["Martin", "Lefèvre", "Le Floc'h", "Li-Wang"] {
            for _ in 0..200 {
                let Some(typed) = typed(name, &mut random) else { continue };
                assert!(
                    name.chars().count().abs_diff(typed.chars().count()) <= 1 && name != typed,
                    "{name} {typed}"
                );
                assert_eq!(name.chars().next(), typed.chars().next());
            }
        }
        assert_eq!(typed("Ly", &mut random), None);
    }

    #[test]
    fn what_is_heard_differs_and_dates_still_exist() {
        let mut random = Random::of(Purpose::Telling, &[2]);
        let born = Day { year: 1986, month: 7, of_month: 14 };
        for _ in 0..500 {
            assert!(heard("Philippe", &mut random).is_some_and(|heard| heard != "Philippe"));
            let wrong = misdialled(born, &mut random).expect("a date has digits");
            assert!(wrong != born && (1..=28).contains(&wrong.of_month) && (1..=12).contains(&wrong.month));
            assert_ne!(misdialled_number("1860752121042", &mut random), "1860752121042");
        }
        assert_eq!(exchanged(born), None);
        assert_eq!(exchanged(Day { of_month: 3, ..born }), Some(Day { year: 1986, month: 3, of_month: 7 }));
    }
}

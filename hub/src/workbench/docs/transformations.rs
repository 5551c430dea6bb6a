//! Operations and conditions of a mapping, in words.
//!
//! What stands in the mapping enters, checked by the compiler already; a phrase leaves. What is not understood is shown as it
//! is written.

use super::code;
use super::words::Tongue;

/// An operation such as `take(5)`.
pub(super) fn operation(text: &str, tongue: Tongue) -> String {
    let (name, arguments) = text.split_once('(').map_or((text, ""), |(name, rest)| (name, rest));
    let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
    let arguments = split(arguments);
    let quoted = |at: usize| tongue.quote(arguments.get(at).map_or("", String::as_str));
    let (a, b) = (quoted(0), quoted(1));
    let number = arguments.first().map_or("", String::as_str);
    match name.trim() {
        "upper" => tongue.say("mise en majuscules", "put in capitals"),
        "lower" => tongue.say("mise en minuscules", "put in lower case"),
        "digits" => tongue.say("seuls les chiffres restent", "only digits stay"),
        "first_word" => tongue.say("seul le premier mot reste", "only the first word stays"),
        "spreadsheet" => tongue.say("sans le « .0 » d'un tableur", "without a spreadsheet's “.0”"),
        "pad_left" => tongue.say(
            &format!("complétée à gauche par {b} jusqu'à {number} caractères"),
            &format!("filled on the left with {b} up to {number} characters"),
        ),
        "take" => tongue
            .say(&format!("les {number} premiers caractères"), &format!("the first {number} characters")),
        "skip" => tongue.say(
            &format!("sans les {number} premiers caractères"),
            &format!("without the first {number} characters"),
        ),
        "before" => tongue.say(&format!("ce qui précède {a}"), &format!("what stands before {a}")),
        "after" => tongue.say(&format!("ce qui suit {a}"), &format!("what stands after {a}")),
        "between" => {
            tongue.say(&format!("ce qui est entre {a} et {b}"), &format!("what stands between {a} and {b}"))
        }
        "before_last" => {
            tongue.say(&format!("ce qui précède le dernier {a}"), &format!("what stands before the last {a}"))
        }
        "pattern" => tongue.say(
            &format!("le premier mot de la forme {a} (A : une lettre, 9 : un chiffre)"),
            &format!("the first word of the shape {a} (A: a letter, 9: a digit)"),
        ),
        "without_pattern" => {
            tongue.say(&format!("sans le mot de la forme {a}"), &format!("without the word of the shape {a}"))
        }
        "pattern_or_bracketed" => tongue.say(
            &format!("le premier mot de la forme {a}, sinon ce que tiennent les dernières parenthèses s'il y a un chiffre"),
            &format!("the first word of the shape {a}, else what the last parentheses hold when a digit is in it"),
        ),
        "replace" => tongue.say(&format!("{a} devient {b}"), &format!("{a} becomes {b}")),
        "drop_if" => {
            let words = tongue.any_of(&arguments);
            tongue.say(&format!("{words} : pas de valeur"), &format!("{words}: no value"))
        }
        _ => code(text),
    }
}

/// The arguments of an operation, their quotes taken off.
fn split(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text.trim());
    while let Some(first) = rest.chars().next() {
        let quoted =
            if matches!(first, '\'' | '"') { rest.get(1..).and_then(|t| t.split_once(first)) } else { None };
        let (argument, left) = quoted.unwrap_or_else(|| {
            rest.split_once(',').map_or((rest, ""), |(a, _)| (a, rest.get(a.len()..).unwrap_or("")))
        });
        found.push(if quoted.is_some() { argument.to_owned() } else { argument.trim().to_owned() });
        rest = left.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// A condition such as `not ROLE in ('ENF', 'AUT')`.
pub(super) fn condition(text: &str, tongue: Tongue) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = text.trim();
    let mut presence = false;
    while let Some(first) = rest.chars().next() {
        let (word, left) = token(rest, first);
        rest = left.trim_start();
        let path = |presence: &mut bool, name: &str| {
            let filled = std::mem::take(presence);
            if filled {
                tongue.say(&format!("{} est rempli", code(name)), &format!("{} is filled", code(name)))
            } else {
                code(name)
            }
        };
        words.push(match (first, word) {
            ('\'' | '"', text) => tongue.quote(text),
            ('`', column) => path(&mut presence, column),
            (_, "=") => tongue.say("vaut", "is"),
            (_, "!=") => tongue.say("ne vaut pas", "is not"),
            (_, "and") => tongue.say("et", "and"),
            (_, "or") => tongue.say("ou", "or"),
            (_, "not") => tongue.say("sauf si", "unless"),
            (_, "in") => tongue.say("est parmi", "is among"),
            (_, "present") if rest.starts_with('(') => {
                presence = true;
                rest = rest.get(1..).unwrap_or("").trim_start();
                continue;
            }
            (_, ")")
                if words
                    .last()
                    .is_some_and(|last| last.ends_with("est rempli") || last.ends_with("is filled")) =>
            {
                continue;
            }
            (_, sign @ ("(" | ")" | ",")) => sign.to_owned(),
            (_, name) => path(&mut presence, name),
        });
    }
    words.join(" ").replace("( ", "(").replace(" )", ")").replace(" ,", ",")
}

fn token(rest: &str, first: char) -> (&str, &str) {
    if matches!(first, '\'' | '"' | '`')
        && let Some(found) = rest.get(1..).and_then(|inside| inside.split_once(first))
    {
        return found;
    }
    if let Some(sign) = ["!=", "=", "(", ")", ","].into_iter().find(|sign| rest.starts_with(sign)) {
        return rest.split_at(sign.len());
    }
    let mut inside = 0_usize;
    let end = rest.find(|c: char| {
        inside = if c == '[' { inside + 1 } else { inside.saturating_sub(usize::from(c == ']')) };
        inside == 0 && c != ']' && (c.is_whitespace() || "=!(),'\"`".contains(c))
    });
    // What opens no known sign is passed over, so that the end is reached.
    rest.split_at(end.unwrap_or(rest.len()).max(first.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_and_conditions_are_told_in_words() {
        for (written, told) in [
            ("pad_left(10, '0')", "complétée à gauche par « 0 » jusqu'à 10 caractères"),
            ("between('(', ')')", "ce qui est entre « ( » et « ) »"),
            ("drop_if('NC', 'FAKE')", "« NC » ou « FAKE » : pas de valeur"),
            ("replace('.', ',')", "« . » devient « , »"),
            ("unknown(1)", "`unknown(1)`"),
        ] {
            assert_eq!(operation(written, Tongue::French), told);
        }
        for (written, told) in [
            ("not P[N=RSA]/ROLE in ('ENF', 'AUT')", "sauf si `P[N=RSA]/ROLE` est parmi (« ENF », « AUT »)"),
            ("present(Sexe) and `Né(e) le` != ''", "`Sexe` est rempli et `Né(e) le` ne vaut pas «  »"),
            ("(A = 'x' or B = 'y')", "(`A` vaut « x » ou `B` vaut « y »)"),
        ] {
            assert_eq!(condition(written, Tongue::French), told);
        }
        assert_eq!(condition("!", Tongue::English), "`!`");
    }
}

//! What is wrong with declared profiles and subscriptions, and what they say when nothing is.
//!
//! The texts of all files enter; profiles as [`Scope`]s and subscriptions leave, with every mistake: code, place, what was expected. A
//! subscription with a mistake is left out, so that nobody is told more than was declared.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use compact_str::CompactString;
use jiff::civil::Date;

use super::territory::EVERYWHERE;
use super::{Channel, FAMILIES, Scope, Subscription, Territory, family_word, written};
use crate::canonical::{Canon, Category, Classification, Field, FieldId, Kind};
use crate::code::Code;
use crate::mapping::Diagnostic;

/// The folder profiles stand in.
const PROFILES: &str = "profils/";
/// Longest name of a profile or subscriber, in characters: it becomes part of names on the broker.
const NAME_CHARS: usize = 40;

/// Failures in a row after which a webhook is posted nothing more: tried every half an hour at last, some three days.
const FAILURES: u32 = 150;
/// The most that may be declared.
const MOST_FAILURES: u32 = 1_000;

/// The most persons one tool may ask about within a day: more is going through the base (CNIL SAN-2026-003).
const MOST_LOOKUPS: u32 = 450;
/// Longest text shown to people, in characters.
const LONGEST: usize = 300;

/// What is declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// By profile.
    pub scopes: BTreeMap<CompactString, Scope>,
    /// By subscriber; expired ones too.
    pub subscriptions: BTreeMap<CompactString, Subscription>,
}

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistaken {
    /// The file, from the folder of subscriptions.
    pub file: String,
    /// What is wrong.
    pub diagnostic: Diagnostic,
}

/// Reads profiles (`profils/NAME.yaml`) and subscriptions (`NAME.yaml`), each a name and a text.
pub fn check(canon: &Canon, files: &[(String, String)], today: Date) -> (Declared, Vec<Mistaken>) {
    let (mut declared, mut mistakes) = (Declared::default(), Vec::new());
    let (profiles, subscriptions): (Vec<_>, Vec<_>) =
        files.iter().partition(|(file, _)| file.starts_with(PROFILES));
    for (file, text) in profiles {
        let mut sheet = Sheet::of(file, text);
        if let Some(scope) = sheet.profile(canon) {
            declared.scopes.insert(scope.profile.clone(), scope);
        }
        mistakes.append(&mut sheet.mistakes);
    }
    for (file, text) in subscriptions {
        let mut sheet = Sheet::of(file, text);
        if let Some(subscription) = sheet.subscription(&declared.scopes, today) {
            declared.subscriptions.insert(subscription.subscriber.clone(), subscription);
        }
        mistakes.append(&mut sheet.mistakes);
    }
    (declared, mistakes)
}

/// A file being read.
struct Sheet<'f> {
    file: &'f str,
    text: &'f str,
    mistakes: Vec<Mistaken>,
    /// What is read is not to be used.
    refused: bool,
}

impl<'f> Sheet<'f> {
    fn of(file: &'f str, text: &'f str) -> Self {
        Self { file, text, mistakes: Vec::new(), refused: false }
    }

    fn profile(&mut self, canon: &Canon) -> Option<Scope> {
        let profile: written::Profile = self.read()?;
        self.name(&profile.profil, "profil");
        self.says("titre", &profile.titre);
        let mut held = vec![false; canon.fields().count()];
        for path in &profile.champs {
            self.section(canon, path, &mut held);
        }
        for (path, basis) in &profile.reserves {
            self.says_at(self.place_behind("reserves", path), path, basis);
            self.reserved(canon, path, &mut held);
        }
        let scope = Scope::new(&profile.profil, held);
        if scope.fields().next().is_none() {
            self.no(Code::UnknownScopeField, "champs", "the profile holds no field: expected one or more");
        }
        (!self.refused).then_some(scope)
    }

    /// A field, or all of a section that may be told to whoever needs to know it.
    fn section(&mut self, canon: &Canon, path: &str, held: &mut [bool]) {
        let mut found = false;
        for (id, field) in canon.fields().filter(|(_, field)| is_within(&field.path, path)) {
            found = true;
            if !is_reserved(field) {
                hold(canon, id, held);
            } else if field.path == path {
                let message = format!(
                    "`{path}` is for those alone who may know it by a text: expected under `reserves`, with that text"
                );
                self.no_at(Code::ReservedField, self.place_behind("champs", path), message);
            }
        }
        if !found {
            let message = format!("no field and no section is named `{path}`");
            self.unknown(canon, (path, "champs"), message);
        }
    }

    fn reserved(&mut self, canon: &Canon, path: &str, held: &mut [bool]) {
        match canon.find(path) {
            None => {
                let message =
                    format!("no field is named `{path}`: sections are not given here, each field is");
                self.unknown(canon, (path, "reserves"), message);
            }
            Some(id) if is_reserved(canon.field(id)) => hold(canon, id, held),
            Some(_) => {
                let message = format!("`{path}` needs no text of its own: expected under `champs`");
                self.no_at(Code::ReservedField, self.place_behind("reserves", path), message);
            }
        }
    }

    fn unknown(&mut self, canon: &Canon, (path, key): (&str, &str), message: String) {
        let known: Vec<&str> = canon.fields().map(|(_, field)| field.path.as_str()).collect();
        let place = self.place_behind(key, path);
        self.add(Diagnostic::new(Code::UnknownScopeField, place, message).near(path, known));
    }

    fn subscription(&mut self, scopes: &BTreeMap<CompactString, Scope>, today: Date) -> Option<Subscription> {
        let read: written::Subscription = self.read()?;
        self.name(&read.abonne, "abonne");
        for (key, value) in
            [("titre", &read.titre), ("finalite", &read.finalite), ("base_legale", &read.base_legale)]
        {
            self.says(key, value);
        }
        if !scopes.contains_key(read.profil.as_str()) {
            let message = format!("no profile is named `{}`, or it has mistakes", read.profil);
            let known = scopes.keys().map(CompactString::as_str);
            let place = self.place(&read.profil);
            self.add(Diagnostic::new(Code::UnknownProfile, place, message).near(&read.profil, known));
        }
        let expires = self.expiry(&read.expire, today);
        let territory = self.territory(&read.territoire.all());
        if read.evenements.as_ref().is_some_and(Vec::is_empty) {
            let message = "`evenements` names none, and left out means all: expected families of events";
            self.no(Code::BadSubscription, "evenements", message);
        }
        let families = self.families(&read.evenements.unwrap_or_default());
        let channel = self.channel(read.canal);
        if read.consultations_par_jour > MOST_LOOKUPS {
            let message = format!("`consultations_par_jour`: expected at most {MOST_LOOKUPS}");
            self.no(Code::BadSubscription, "consultations_par_jour", &message);
        }
        let subscription = Subscription {
            subscriber: read.abonne.into(),
            title: read.titre,
            profile: read.profil.into(),
            purpose: read.finalite,
            basis: read.base_legale,
            expires: expires?,
            territory: territory?,
            families,
            channel: channel?,
            lookups: read.consultations_par_jour,
        };
        (!self.refused).then_some(subscription)
    }

    /// An expired subscription is a mistake to mend, and still what was declared: it is told nothing.
    fn expiry(&mut self, written: &str, today: Date) -> Option<Date> {
        let Ok(day) = written.parse::<Date>() else {
            self.no(Code::BadSubscription, "expire", "`expire` is a day: expected YYYY-MM-DD");
            return None;
        };
        if day <= today {
            let message = "expired: what allows it must be renewed, and the new day written here";
            let mistake = Diagnostic::new(
                Code::SubscriptionExpired,
                self.place(written),
                format!("`{day}`: {message}"),
            );
            self.mistakes.push(Mistaken { file: self.file.to_owned(), diagnostic: mistake });
        }
        Some(day)
    }

    fn territory(&mut self, codes: &[String]) -> Option<Territory> {
        let expected =
            format!("expected `{EVERYWHERE}`, or codes of départements such as [\"52\", \"2A\", \"974\"]");
        if codes.is_empty() {
            self.no(Code::BadSubscription, "territoire", &format!("no territory: {expected}"));
        }
        match Territory::read(codes) {
            Ok(territory) => Some(territory),
            Err(wrong) => {
                for code in wrong {
                    let place = self.place_behind("territoire", code);
                    let message = format!("`{code}` is no département: {expected}");
                    self.add(Diagnostic::new(Code::BadSubscription, place, message));
                }
                None
            }
        }
    }

    fn families(&mut self, words: &[String]) -> Vec<Category> {
        let mut families = Vec::new();
        for word in words {
            let Some(family) = FAMILIES.into_iter().find(|family| family_word(*family) == word) else {
                let message = format!("no family of events is named `{word}`");
                let mistake = Diagnostic::new(Code::BadSubscription, self.place(word), message);
                self.add(mistake.near(word, FAMILIES.map(family_word)));
                continue;
            };
            families.push(family);
        }
        families
    }

    fn channel(&mut self, channel: written::Channel) -> Option<Channel> {
        match channel {
            written::Channel::Plain(word) if word == Channel::Queue.word() => Some(Channel::Queue),
            written::Channel::Plain(word) if word == Channel::Http.word() => Some(Channel::Http),
            written::Channel::Webhook(webhook) => self.webhook(webhook),
            written::Channel::Plain(_) => {
                let message = "no such channel: expected `file`, `http` or `{webhook: https://…}`";
                self.no(Code::BadSubscription, "canal", message);
                None
            }
        }
    }

    /// Where it leads is looked at when it is called: here only what can never be right is refused.
    fn webhook(&mut self, webhook: written::Webhook) -> Option<Channel> {
        let written::Webhook { webhook: url, desactive_apres } = webhook;
        if !is_address(&url) {
            let message = "`webhook` is an address: expected `https://…`, or `http://` and the digits of an address in the house";
            self.no(Code::BadSubscription, "webhook", message);
            return None;
        }
        let failures = desactive_apres.unwrap_or(FAILURES);
        if !(1..=MOST_FAILURES).contains(&failures) {
            let message =
                format!("`desactive_apres` counts failures in a row: expected 1 to {MOST_FAILURES}");
            self.no(Code::BadSubscription, "desactive_apres", &message);
            return None;
        }
        Some(Channel::Webhook { url, failures })
    }

    /// The name is that of the file, and may stand in names on the broker.
    fn name(&mut self, name: &str, key: &str) {
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        let good = !name.is_empty() && name.len() <= NAME_CHARS && name.chars().all(plain);
        if !good {
            let message = format!("`{key}`: expected at most {NAME_CHARS} small letters, digits and hyphens");
            self.no(Code::BadSubscription, key, &message);
        } else if self.file.trim_start_matches(PROFILES) != format!("{name}.yaml") {
            let message =
                format!("`{name}` stands in `{}`: expected the file to be named `{name}.yaml`", self.file);
            self.no(Code::BadSubscription, key, &message);
        }
    }

    fn says(&mut self, key: &str, value: &str) {
        self.says_at(self.place(key), key, value);
    }

    fn says_at(&mut self, place: Range<usize>, key: &str, value: &str) {
        if !value.chars().any(char::is_alphanumeric) {
            let message = format!("`{key}` says nothing: expected a few words");
            self.no_at(Code::BadSubscription, place.clone(), message);
        }
        if value.chars().count() > LONGEST || value.chars().any(|c| c.is_control() || is_bidirectional(c)) {
            let message = format!("`{key}`: expected at most {LONGEST} characters, none of them a control");
            self.no_at(Code::BadSubscription, place, message);
        }
    }

    fn read<T: for<'de> serde::Deserialize<'de>>(&mut self) -> Option<T> {
        written::read(self.text).map_err(|mistake| self.add(mistake)).ok()
    }

    fn no(&mut self, code: Code, at: &str, message: &str) {
        self.no_at(code, self.place(at), message);
    }

    fn no_at(&mut self, code: Code, place: Range<usize>, message: impl Into<String>) {
        self.add(Diagnostic::new(code, place, message));
    }

    fn add(&mut self, diagnostic: Diagnostic) {
        self.refused = true;
        self.mistakes.push(Mistaken { file: self.file.to_owned(), diagnostic });
    }

    /// Where a word stands behind a key: codes are short, and stand in dates too; a field may stand under two keys.
    fn place_behind(&self, key: &str, word: &str) -> Range<usize> {
        let behind = self.place(key).start;
        let start =
            self.text.get(behind..).and_then(|text| words(text, word).next()).unwrap_or_default() + behind;
        start..(start + word.len()).min(self.text.len())
    }

    /// Where a key stands, or a word.
    fn place(&self, word: &str) -> Range<usize> {
        let is_key = |at: &usize| {
            let behind = self.text.get(at + word.len()..).unwrap_or_default();
            behind.trim_start_matches(['"', '\'', ' ']).starts_with(':')
        };
        let key = words(self.text, word).find(is_key);
        let start = key.or_else(|| words(self.text, word).next()).unwrap_or_default();
        start..(start + word.len()).min(self.text.len())
    }
}

/// Where a word stands by itself, not within another one.
fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let goes_on =
        |letter: Option<char>| letter.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let alone = move |at: &usize| {
        let before = text.get(..*at).and_then(|text| text.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|text| text.chars().next());
        !goes_on(before) && !goes_on(after)
    };
    text.match_indices(word).map(|(at, _)| at).filter(alone)
}

/// Whether an address may be a tool's: a name only over TLS, which shows whose it is.
fn is_address(url: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let good = |host: &str| !host.is_empty() && !host.contains('@');
    match url.split_once("://") {
        Some(("https", rest)) => good(&host(rest)),
        Some(("http", rest)) => {
            let host = host(rest);
            host.parse::<SocketAddr>().is_ok() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
        }
        _ => false,
    }
}

/// Whether a field is one, or one of the section or repeated group, that a path names.
fn is_within(field: &str, path: &str) -> bool {
    let rest = field.strip_prefix(path);
    !path.is_empty()
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]"))
}

/// Whether a character turns the direction text is read in: shown, it would make a file say what it does not.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Told only where a text allows it by name: sensitive (CASF R. 263-5), and the NIR, which must not become a key to everything (CNIL
/// 2024-088).
fn is_reserved(field: &Field) -> bool {
    field.classification == Classification::Sensitive || field.kind == Kind::Nir
}

/// Holds a field, and the repeated group around it.
fn hold(canon: &Canon, id: FieldId, held: &mut [bool]) {
    if let Some(place) = held.get_mut(usize::from(id.0)) {
        *place = true;
    }
    if let Some(list) = canon.field(id).list {
        hold(canon, list, held);
    }
}

//! France Travail as documented, with invented persons: tokens by realm, the search of persons, what is known of each.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use axum::response::Response;

use crate::support::place::{Place, Seen, reply};

/// What it knows, and may be told.
pub struct Known {
    /// The life a token is said to have, in seconds.
    pub life: u64,
    /// What the search answers, by the number searched for: status and body.
    pub searched: HashMap<String, Vec<(u16, String)>>,
    /// What a call answers, by its path and the person's token.
    pub answers: HashMap<(String, String), (u16, String)>,
    /// The tokens that are accepted.
    pub tokens: Vec<String>,
}

impl Default for Known {
    fn default() -> Self {
        Self { life: 1499, searched: HashMap::new(), answers: HashMap::new(), tokens: Vec::new() }
    }
}

/// The service.
pub struct FranceTravail {
    pub place: Place,
    known: Arc<Mutex<Known>>,
}

impl FranceTravail {
    pub async fn open() -> Self {
        let known: Arc<Mutex<Known>> = Arc::default();
        let (held, minted) = (known.clone(), AtomicUsize::default());
        let place = Place::open(move |seen, _| {
            let mut known = held.lock().expect("what is known");
            if seen.line.starts_with("POST /connexion/oauth2/access_token?realm=/") {
                return token(seen, &mut known, minted.fetch_add(1, Ordering::Relaxed));
            }
            answer(seen, &mut known)
        })
        .await;
        Self { place, known }
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("what is known")
    }

    /// Somebody is found by this number, with this token.
    pub fn finds(&self, number: &str, token: &str) {
        let body = format!(
            r#"{{"codeRetour":"S001","message":"Approchant trouvé","jetonUsager":"{token}","topIdentiteCertifiee":"O"}}"#
        );
        self.searches(number, 200, &body);
    }

    /// The search by this number answers this, the last of several for good.
    pub fn searches(&self, number: &str, status: u16, body: &str) {
        self.known().searched.entry(number.to_owned()).or_default().push((status, body.to_owned()));
    }

    /// A call answers this about the person with this token.
    pub fn answers(&self, path: &str, token: &str, status: u16, body: &str) {
        self.known().answers.insert((path.to_owned(), token.to_owned()), (status, body.to_owned()));
    }

    pub fn tokens_given(&self) -> usize {
        self.place.lines().iter().filter(|line| line.contains("access_token")).count()
    }
}

fn token(seen: &Seen, known: &mut Known, number: usize) -> Response {
    let expected = ["grant_type=client_credentials", "client_id=hub-essai", "client_secret=s3same+%26"];
    if !expected.iter().all(|part| seen.body.contains(part)) {
        return reply(400, &[], r#"{"error":"invalid_client","error_description":"hub-essai s3same &"}"#);
    }
    let token = format!("acces-{number}");
    known.tokens.push(token.clone());
    let life = known.life;
    reply(200, &[], &format!(r#"{{"token_type":"Bearer","access_token":"{token}","expires_in":{life}}}"#))
}

fn answer(seen: &Seen, known: &mut Known) -> Response {
    let bearer = seen.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
    if !bearer.is_some_and(|bearer| known.tokens.iter().any(|token| token == bearer)) {
        return reply(401, &[], "{}");
    }
    if seen.header("pa-nom-agent").is_none() {
        return reply(302, &[("location", "https://authentification.example/connexion")], "");
    }
    if seen.header("pa-nom-agent") == Some("") {
        return reply(401, &[], "{}");
    }
    let path = seen.line.split_once(' ').expect("a method").1;
    if let Some(token) = seen.header("ft-jeton-usager") {
        let known = known.answers.get(&(path.to_owned(), token.to_owned()));
        return known.map_or_else(|| reply(204, &[], ""), |(status, body)| reply(*status, &[], body));
    }
    let by = match path.rsplit('/').next() {
        Some("par-datenaissance-et-nir") if seen.json("/dateNaissance").is_some() => seen.json("/nir"),
        Some("par-numero-francetravail") => seen.json("/numeroFranceTravail"),
        _ => None,
    };
    let Some(told) = by.and_then(|by| known.searched.get_mut(&by)) else {
        return reply(200, &[], r#"{"codeRetour":"S002","jetonUsager":null,"topIdentiteCertifiee":null}"#);
    };
    let (status, body) = if told.len() > 1 { told.remove(0) } else { told.first().expect("one").clone() };
    reply(status, &[], &body)
}

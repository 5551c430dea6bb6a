//! One person asked about: searched for by NIR and birth date, or by number, then the calls with the token found.
//!
//! The search answers 200 also when it finds nobody or several; `codeRetour` decides. A line is whole: when a call about the person is
//! refused there is none, and what was known of them stays. The person's token is never shown.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use hub_core::canonical::nir;
use hub_core::code::Code;
use hub_core::delivery::PersonId;
use hub_core::roster::{Asked, Outcome};
use hub_core::transport::TransportError;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::Answer;
use super::client::{Client, below};
use super::json;
use super::toll::Cause;

/// A call made about each person found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonCall {
    /// The member of the line its answer is written under: `diagnostic`.
    pub member: String,
    /// Its path below the base, version included: `diagnosticargumente/v4/dossiers`.
    pub path: String,
}

/// Where persons are searched for.
const SEARCH: &[&str] = &["rechercher-usager", "v2", "usagers"];
/// The header a person's token goes in.
const TOKEN_HEADER: &str = "ft-jeton-usager";
/// Members of a line the hub writes itself.
const OWN_MEMBERS: &[&str] =
    &["nir", "date_naissance", "numero_france_travail", "identite_certifiee", "appels"];

/// Asks about persons.
pub(super) struct Persons {
    client: Client,
    base: Url,
    calls: Vec<(String, Url)>,
}

/// What came of asking about one person.
pub(super) struct Told {
    pub(super) person: PersonId,
    pub(super) outcome: Outcome,
    /// The line, when there is something to tell.
    pub(super) line: Option<String>,
    /// Why there is none.
    pub(super) missing: Option<Cause>,
}

impl Told {
    fn nothing(person: PersonId, outcome: Outcome, cause: Cause) -> Self {
        Self { person, outcome, line: None, missing: Some(cause) }
    }
}

/// What the search answers; a null is also written `"null"`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    code_retour: Option<String>,
    jeton_usager: Option<String>,
    top_identite_certifiee: Option<String>,
}

/// Somebody found.
struct Found {
    token: HeaderValue,
    certified: Option<String>,
}

/// Nobody to ask about, and why.
type Nobody = (Outcome, Cause);

/// The line of a person: what they were asked by, which calls were made, and each answer under its member.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    nir: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_naissance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numero_france_travail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identite_certifiee: Option<&'a str>,
    appels: Vec<&'a str>,
    #[serde(flatten)]
    answers: BTreeMap<&'a str, Box<RawValue>>,
}

impl Persons {
    /// # Errors
    /// [`Code::BadConfig`] for a call whose member is taken.
    pub(super) fn new(client: Client, base: Url, calls: &[PersonCall]) -> Result<Self, TransportError> {
        let mut taken: HashSet<&str> = OWN_MEMBERS.iter().copied().collect();
        let mut known = Vec::new();
        for PersonCall { member, path } in calls {
            if !taken.insert(member) {
                let detail = format!("expected a `member` of its own for each call, found `{member}` again");
                return Err(TransportError::new(Code::BadConfig, detail));
            }
            let (path, query) = path.split_once('?').map_or((path.as_str(), None), |(p, q)| (p, Some(q)));
            let mut url = below(&base, &path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>())?;
            url.set_query(query);
            known.push((member.clone(), url));
        }
        Ok(Self { client, base, calls: known })
    }

    /// Tries to log in.
    pub(super) async fn log_in(&self) -> Result<(), TransportError> {
        self.client.log_in().await
    }

    /// Asks about a person.
    ///
    /// # Errors
    /// When the place as a whole does not answer; what concerns this person alone is told, not an error.
    pub(super) async fn ask(&self, asked: Asked) -> Result<Told, TransportError> {
        let found = match self.search(&asked).await? {
            Ok(found) => found,
            Err((outcome, cause)) => {
                return Ok(Told::nothing(asked.person, outcome, cause));
            }
        };
        let mut answers = BTreeMap::new();
        for (member, url) in &self.calls {
            match self.call(url, &found.token).await? {
                Ok(Some(answer)) => drop(answers.insert(member.as_str(), answer)),
                Ok(None) => {}
                Err(cause) => return Ok(Told::nothing(asked.person, Outcome::Refused, cause)),
            }
        }
        let line = Line {
            nir: asked.nir13.as_deref(),
            date_naissance: asked.birth_date.as_deref(),
            numero_france_travail: asked.france_travail.as_deref(),
            identite_certifiee: found.certified.as_deref(),
            appels: self.calls.iter().map(|(member, _)| member.as_str()).collect(),
            answers,
        };
        let line = Some(json::line(&line));
        Ok(Told { person: asked.person, outcome: Outcome::Answered, line, missing: None })
    }

    async fn search(&self, asked: &Asked) -> Result<Result<Found, Nobody>, TransportError> {
        let Some((path, body)) = searched_by(asked) else {
            let detail = "no NIR with a whole birth date, and no number, to ask by";
            return Ok(Err((Outcome::Unaskable, (Code::PersonUnknownThere, detail.into()))));
        };
        let url = below(&self.base, &[SEARCH, &[path]].concat())?;
        let mut request = self.client.request(Method::POST, url);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        let answer = self.client.send(request, concerns_the_person).await?;
        if !answer.status.is_success() {
            return Ok(Err((Outcome::Refused, refusal(&answer))));
        }
        let body: Search = serde_json::from_slice(&answer.body)
            .map_err(|_| answer.error(Code::AnswerNotUnderstood, "`codeRetour`"))?;
        Ok(found(body))
    }

    async fn call(
        &self,
        url: &Url,
        token: &HeaderValue,
    ) -> Result<Result<Option<Box<RawValue>>, Cause>, TransportError> {
        let mut request = self.client.request(Method::GET, url.clone());
        request.headers_mut().insert(TOKEN_HEADER, token.clone());
        let answer = self.client.send(request, concerns_the_person).await?;
        if !answer.status.is_success() {
            return Ok(Err(refusal(&answer)));
        }
        if answer.status == StatusCode::NO_CONTENT || answer.body.trim_ascii().is_empty() {
            return Ok(Ok(None));
        }
        let body = json::body(&answer)?;
        Ok(Ok((body.get() != "null").then(|| body.to_owned())))
    }
}

/// What a person is searched by: NIR of 15 characters and birth date, else number.
fn searched_by(asked: &Asked) -> Option<(&'static str, String)> {
    let whole = asked.birth_date.as_ref().filter(|date| date.len() == "1982-02-01".len());
    if let (Some(number), Some(birth)) = (&asked.nir13, whole)
        && let Some(key) = nir::key(number)
    {
        let body = serde_json::json!({"dateNaissance": birth, "nir": format!("{number}{key:02}")});
        return Some(("par-datenaissance-et-nir", body.to_string()));
    }
    let number = asked.france_travail.as_ref()?;
    let body = serde_json::json!({"numeroFranceTravail": number});
    Some(("par-numero-francetravail", body.to_string()))
}

fn found(search: Search) -> Result<Found, Nobody> {
    let stated = |text: Option<String>| text.filter(|text| !text.is_empty() && text != "null");
    let not_understood =
        |detail: &'static str| Err((Outcome::Refused, (Code::AnswerNotUnderstood, Cow::Borrowed(detail))));
    match search.code_retour.as_deref() {
        Some("S001") => {}
        Some("S002") => {
            return Err((
                Outcome::Unknown,
                (Code::PersonUnknownThere, "the search finds nobody (`S002`)".into()),
            ));
        }
        Some("S003") => {
            return Err((Outcome::Several, (Code::SeveralThere, "the search finds several (`S003`)".into())));
        }
        _ => return not_understood("expected `S001`, `S002` or `S003` of the search, found something else"),
    }
    let token = stated(search.jeton_usager).and_then(|text| HeaderValue::try_from(text).ok());
    let Some(mut token) = token else {
        return not_understood("expected `jetonUsager` beside `S001`, found none");
    };
    token.set_sensitive(true);
    Ok(Found { token, certified: stated(search.top_identite_certifiee) })
}

/// Refusals that concern the person asked about, not to be tried again: access, validation, an error behind the service.
fn concerns_the_person(answer: &Answer) -> bool {
    matches!(answer.code().as_deref(), Some("R001" | "R997" | "R998"))
}

fn refusal(answer: &Answer) -> Cause {
    let code = answer.code().unwrap_or_default();
    let kind = if code == "R001" { Code::PlaceRefused } else { Code::AnswerNotUnderstood };
    (kind, format!("the place refuses to answer about a person (`{code}`)").into())
}

//! Whom a subscriber is to know, for a tool that makes sure of itself: digests of all, the persons of one compartment, and those it asks
//! to be shown again.
//!
//! A compartment holds the persons whose name begins by the same two hexadecimal digits. Its digest is SHA-256 of a line for each of
//! them in order, `subject sequence`, each ended by a line feed; where not all families are told, of lines `subject`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hub_core::clock::Clock as _;
use hub_core::delivery::PersonId;
use hub_core::subscription::{Roll, ask_for_repair, in_sight_of, roll};
use serde::Deserialize;
use serde_json::{Value as Json_, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::problem::Problem;
use super::window::{Visitor, Window};
use crate::clock::MachineClock;

/// Persons shown again at one request.
const MOST: usize = 1_000;

/// Persons to be shown again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repairs {
    subjects: Vec<Uuid>,
}

pub(super) async fn digests(State(window): State<Window>, headers: HeaderMap) -> Result<Response, Problem> {
    let visitor = window.let_in(&headers).await?;
    let roll = visitor.roll().await?;
    let mut compartments: BTreeMap<u8, Vec<(PersonId, u64)>> = BTreeMap::new();
    for (person, sequence) in &roll {
        compartments.entry(compartment(*person)).or_default().push((*person, *sequence));
    }
    let digests = compartments.iter().map(|(number, persons)| {
        json!({ "compartiment": name(*number), "personnes": persons.len(), "empreinte": visitor.digest(persons) })
    });
    let own = &visitor.subscription;
    Ok(Json(json!({
        "abonne": own.subscriber, "profil": own.profile, "lignes": visitor.lines(), "personnes": roll.len(),
        "compartiments": digests.collect::<Vec<Json_>>(),
    }))
    .into_response())
}

pub(super) async fn persons(
    State(window): State<Window>,
    headers: HeaderMap,
    Path(wanted): Path<String>,
) -> Result<Response, Problem> {
    let visitor = window.let_in(&headers).await?;
    let number = u8::from_str_radix(&wanted, 16).ok().filter(|number| name(*number) == wanted);
    let Some(number) = number else {
        return Err(Problem::not_found(
            "a compartment is named by two small hexadecimal digits, `00` to `ff`",
        )
        .in_french("un compartiment est nommé par deux chiffres hexadécimaux, `00` à `ff`, en minuscules"));
    };
    let roll = visitor.roll().await?;
    let persons = roll.iter().filter(|(person, _)| compartment(**person) == number);
    let persons =
        persons.map(|(person, sequence)| json!({ "subject": person.0, "sequence": sequence.to_string() }));
    Ok(Json(json!({ "compartiment": wanted, "lignes": visitor.lines(), "personnes": persons.collect::<Vec<Json_>>() }))
        .into_response())
}

pub(super) async fn repairs(
    State(window): State<Window>,
    headers: HeaderMap,
    asked: Result<Json<Repairs>, JsonRejection>,
) -> Result<Response, Problem> {
    let visitor = window.let_in(&headers).await?;
    let Ok(Json(Repairs { subjects })) = asked else { return Err(misread()) };
    if subjects.is_empty() || subjects.len() > MOST {
        return Err(misread());
    }
    let (own, store) = (&visitor.subscription, window.pipeline.store.as_ref());
    let names: Vec<PersonId> = subjects.iter().copied().map(PersonId).collect();
    let permit = window.rolls.acquire().await;
    let known = in_sight_of(store, &window.pseudonyms, (own, &names)).await?;
    drop(permit);
    let persons: Vec<PersonId> = known.values().copied().collect();
    ask_for_repair(store, || MachineClock.mint(), (&own.subscriber, &persons)).await?;
    let unknown: Vec<Uuid> =
        names.iter().filter(|name| !known.contains_key(name)).map(|name| name.0).collect();
    Ok((StatusCode::ACCEPTED, Json(json!({ "a_montrer": persons.len(), "inconnus": unknown })))
        .into_response())
}

impl Visitor {
    async fn roll(&self) -> Result<Roll, Problem> {
        let _alone = self.window.rolls.acquire().await;
        Ok(roll(self.window.pipeline.store.as_ref(), &self.window.pseudonyms, &self.subscription).await?)
    }

    /// What the lines of a digest are.
    fn lines(&self) -> &'static str {
        if self.subscription.families.is_empty() { "subject sequence" } else { "subject" }
    }

    fn digest(&self, persons: &[(PersonId, u64)]) -> String {
        let mut hasher = Sha256::new();
        let mut line = String::new();
        for (person, sequence) in persons {
            line.clear();
            let _ = if self.subscription.families.is_empty() {
                writeln!(line, "{} {sequence}", person.0)
            } else {
                writeln!(line, "{}", person.0)
            };
            hasher.update(line.as_bytes());
        }
        hasher.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

fn compartment(person: PersonId) -> u8 {
    person.0.as_bytes()[0]
}

fn name(compartment: u8) -> String {
    format!("{compartment:02x}")
}

fn misread() -> Problem {
    Problem::bad_request("expected `{\"subjects\": [\"…\"]}`: 1 to 1000 names of persons, as events bear them")
        .in_french("attendu : `{\"subjects\": [\"…\"]}`, 1 à 1000 noms de personnes, tels que les événements les portent")
}

//! Who is who over HTTP: what is asked, two persons side by side, and a person's word. The same words as `dlnuf identity`.
//!
//! Requests enter, JSON leaves; a ruling is answered once it is written, with the events it announced.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hub_core::delivery::PersonId;
use hub_core::pipeline::{Outcome, RulingError, Verdict};
use hub_core::ruling::Word;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::problem::Problem;
use crate::court::{Court, in_french};
use crate::examining::{in_both_cases, of_question, of_ruling};

/// Questions answered at once.
const QUESTIONS: u32 = 1_000;

/// How many are wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Most {
    #[serde(default = "usual")]
    limit: u32,
}

fn usual() -> u32 {
    100
}

/// A person's word, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    /// Two persons.
    #[serde(default)]
    personnes: Vec<Uuid>,
    /// They are one.
    une: Option<bool>,
    /// Instead: a person, and the claims that speak of somebody else.
    personne: Option<Uuid>,
    #[serde(default)]
    declarations: Vec<i64>,
    #[serde(flatten)]
    parole: Parole,
}

/// Who, and why.
#[derive(Debug, Deserialize)]
pub(super) struct Parole {
    par: String,
    note: String,
}

pub(super) async fn questions(
    State(court): State<Arc<Court>>,
    asked: Result<Query<Most>, QueryRejection>,
) -> Result<Response, Problem> {
    let limit = most(&asked)?;
    let open = court.pipeline.store.count_questions().await?;
    let questions = court.pipeline.store.questions(limit).await?;
    let questions: Vec<_> = questions.iter().map(of_question).collect();
    Ok(Json(json!({ "ouvertes": open, "questions": questions })).into_response())
}

pub(super) async fn side_by_side(
    State(court): State<Arc<Court>>,
    named: Result<Path<(Uuid, Uuid)>, PathRejection>,
) -> Result<Response, Problem> {
    let Path((one, other)) = named.map_err(|_| no_identifier())?;
    let persons = (PersonId(one), PersonId(other));
    let found = court.pipeline.store.persons(&[persons.0, persons.1]).await?;
    let find = |id| found.iter().find(|person| person.id == id && person.merged_into.is_none());
    let (Some(one), Some(other)) = (find(persons.0), find(persons.1)) else { return Err(nobody()) };
    let answer = in_both_cases(&court, one, other).await.map_err(problem)?;
    Ok(Json(answer).into_response())
}

pub(super) async fn rulings(
    State(court): State<Arc<Court>>,
    asked: Result<Query<Most>, QueryRejection>,
) -> Result<Response, Problem> {
    let rulings = court.pipeline.store.rulings(most(&asked)?).await?;
    let rulings: Vec<_> = rulings.iter().map(of_ruling).collect();
    Ok(Json(json!({ "decisions": rulings })).into_response())
}

pub(super) async fn rule(
    State(court): State<Arc<Court>>,
    said: Result<Json<Said>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(said) = said.map_err(|_| unreadable())?;
    let verdict = match (said.personnes.as_slice(), said.une, said.personne) {
        ([one, other], Some(is_one), None) if said.declarations.is_empty() => {
            Verdict::Rule { persons: (PersonId(*one), PersonId(*other)), one: is_one }
        }
        ([], None, Some(person)) if !said.declarations.is_empty() => {
            Verdict::Part { person: PersonId(person), claims: said.declarations }
        }
        _ => return Err(unreadable()),
    };
    follow(&court, verdict, said.parole, StatusCode::CREATED).await
}

pub(super) async fn undo(
    State(court): State<Arc<Court>>,
    named: Result<Path<Uuid>, PathRejection>,
    said: Result<Json<Parole>, JsonRejection>,
) -> Result<Response, Problem> {
    let Path(ruling) = named.map_err(|_| no_identifier())?;
    let Json(parole) = said.map_err(|_| unreadable())?;
    follow(&court, Verdict::Undo(ruling), parole, StatusCode::OK).await
}

async fn follow(
    court: &Court,
    verdict: Verdict,
    Parole { par, note }: Parole,
    status: StatusCode,
) -> Result<Response, Problem> {
    if par.trim().is_empty() || note.trim().is_empty() {
        return Err(unreadable());
    }
    let word = Word { by: par, note };
    let (Outcome { ruling, persons, .. }, effect) = court.rule(&verdict, word, &()).await.map_err(problem)?;
    let answer = json!({
        "decision": of_ruling(&ruling), "personnes": persons, "evenements": effect.events,
        "abonnes": effect.told_in_json(), "autres": effect.others,
    });
    Ok((status, Json(answer)).into_response())
}

/// How many are asked for.
fn most(asked: &Result<Query<Most>, QueryRejection>) -> Result<u32, Problem> {
    match asked {
        Ok(Query(Most { limit })) if (1..=QUESTIONS).contains(limit) => Ok(*limit),
        _ => Err(Problem::bad_request("`limit` is between 1 and 1000; nothing else is understood")
            .in_french("`limit` est entre 1 et 1000 ; rien d'autre n'est compris")),
    }
}

fn no_identifier() -> Problem {
    Problem::bad_request("expected identifiers in the address, as `/v1/identite/questions` and `/v1/identite/decisions` give them")
        .in_french("attendu : des identifiants dans l'adresse, tels que `/v1/identite/questions` et `/v1/identite/decisions` les donnent")
}

fn unreadable() -> Problem {
    let detail = "expected JSON: `personnes` (two) and `une`, or `personne` and `declarations`; with `par` and `note`, not empty";
    Problem::bad_request(detail).in_french(
        "attendu : du JSON, `personnes` (deux) et `une`, ou `personne` et `declarations` ; avec `par` et `note`, non vides",
    )
}

fn nobody() -> Problem {
    Problem::not_found("there are no two such persons, or they are one already")
        .in_french("il n'y a pas deux telles personnes, ou elles sont déjà une")
}

fn problem(error: RulingError) -> Problem {
    let status = match error {
        RulingError::Store(error) => return error.into(),
        RulingError::OnePerson | RulingError::NoClaim(_) | RulingError::Indiscreet => StatusCode::BAD_REQUEST,
        RulingError::Ruled(_) | RulingError::OneAlready(..) => StatusCode::CONFLICT,
        RulingError::NoPerson(_) | RulingError::Absorbed(..) | RulingError::NoRuling(_) => {
            StatusCode::NOT_FOUND
        }
    };
    let problem = Problem::new(status, error.code(), &error.to_string());
    problem.in_french(&in_french(&error).unwrap_or_default())
}

//! What tools say became of events, and where each stands.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use hub_core::clock::Clock as _;
use serde::Deserialize;
use serde_json::{Value as Json_, json};

use super::problem::Problem;
use super::window::Window;
use crate::clock::{MachineClock, today};
use crate::effects::{Report, report};
use crate::lag::Lag;

/// Events reported at once.
const MOST: usize = 1_000;

/// What became of events: each is read by itself, so that a tool is told which it got wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reports {
    effets: Vec<Json_>,
}

pub(super) async fn take(
    State(window): State<Window>,
    headers: HeaderMap,
    said: Result<Json<Reports>, JsonRejection>,
) -> Result<Response, Problem> {
    let visitor = window.let_in(&headers).await?;
    let Ok(Json(Reports { effets })) = said else { return Err(misread(None)) };
    if effets.is_empty() || effets.len() > MOST {
        return Err(misread(None));
    }
    let reports = effets.into_iter().enumerate().map(read).collect::<Result<Vec<Report>, Problem>>()?;
    let who = (visitor.subscription.subscriber.as_str(), MachineClock.now());
    let effects = report(window.pipeline.store.as_ref(), who, &reports).await?;
    Ok(Json(json!({ "appliques": effects.applied, "en_echec": effects.failed })).into_response())
}

/// Where the subscriber that asks stands.
pub(super) async fn me(State(window): State<Window>, headers: HeaderMap) -> Result<Response, Problem> {
    let visitor = window.let_in(&headers).await?;
    let own = &visitor.subscription;
    let mut state = Lag::of(window.pipeline.store.as_ref(), own, today()).await?.in_json();
    if let Some(state) = state.as_object_mut() {
        state.insert("abonne".to_owned(), json!(own.subscriber));
        state.insert("profil".to_owned(), json!(own.profile));
        state.insert("canal".to_owned(), json!(own.channel.word()));
        state.insert("territoire".to_owned(), json!(own.territory.codes()));
        state.insert("expire".to_owned(), json!(own.expires.to_string()));
    }
    Ok(Json(state).into_response())
}

fn read((place, said): (usize, Json_)) -> Result<Report, Problem> {
    Report::deserialize(said).ok().filter(Report::is_sound).ok_or_else(|| misread(Some(place)))
}

/// Of the report at a place, counted from nought, or of all; nothing of it is taken. What was sent is not said again.
fn misread(place: Option<usize>) -> Problem {
    let (at, a) = place.map_or_else(Default::default, |place| {
        (format!("`effets[{place}]` cannot be read: "), format!("`effets[{place}]` ne se lit pas : "))
    });
    Problem::bad_request(&format!(
        "{at}expected `{{\"effets\": [{{\"id\": \"…\", \"etat\": \"applique\" or \"echec\"}}]}}`, 1 to {MOST} of them; `time` is the event's, \
         `cause` a word of at most 64 letters, digits, `_`, `-` and `.`"
    ))
    .in_french(&format!(
        "{a}attendu : `{{\"effets\": [{{\"id\": \"…\", \"etat\": \"applique\" ou \"echec\"}}]}}`, de 1 à {MOST} ; `time` est celui de \
         l'événement, `cause` un mot d'au plus 64 lettres, chiffres, `_`, `-` et `.`"
    ))
}

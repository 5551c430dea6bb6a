//! What is already known of somebody, asked before the person is: by their NIR or by who they are, in the body, never in a URL.
//!
//! A token and what a tool knows of a person enter; what it may know of that one leaves, with who states it and since when, or that there
//! is nobody, or that several could be meant. Who is out of the tool's territory is nobody to it. Every call is kept.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hub_core::canonical::{Canon, FieldValues, Reads};
use hub_core::clock::Clock as _;
use hub_core::code::Code;
use hub_core::pipeline::Found;
use hub_core::store::KnownPerson;
use hub_core::subscription::Lens;
use serde::Deserialize;
use serde_json::{Value as Json_, json};

use super::problem::Problem;
use super::window::{Visitor, Window};
use crate::clock::{MachineClock, today};
use crate::consultations::{REFUSED, answer, is_first_refusal, open, take};
use crate::notice::notify;

/// What a tool knows of a person: names of canonical fields, without their section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    nir: Option<String>,
    nom_naissance: Option<String>,
    nom_usage: Option<String>,
    prenoms: Option<String>,
    date_naissance: Option<String>,
    sexe: Option<String>,
    commune_naissance: Option<String>,
    code_postal: Option<String>,
}

pub(super) async fn look_up(
    State(window): State<Window>,
    headers: HeaderMap,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Response, Problem> {
    let visitor = window.let_in(&headers).await?;
    let Ok(Json(asked)) = asked else { return Err(misread()) };
    let by = if asked.nir.is_some() { "nir" } else { "traits" };
    let values = asked.values(&window.pipeline.canon)?;
    let consultation = visitor.may_ask(by).await?;
    let (shown, said) = match window.pipeline.look_up(&values, |person| visitor.sees(person)).await? {
        Found::One(person) => (Some(person), "une"),
        Found::Nobody => (None, "aucune"),
        Found::Several => (None, "plusieurs"),
    };
    // Kept before anything is shown.
    let about = shown.as_ref().map(|person| person.id);
    answer(window.pipeline.store.as_ref(), &consultation, (said, about)).await?;
    Ok(Json(visitor.answer(said, shown.as_deref())).into_response())
}

impl Asked {
    /// As a claim would state it.
    fn values(self, canon: &Canon) -> Result<FieldValues, Problem> {
        let named = self.nom_naissance.is_some() || self.nom_usage.is_some();
        if self.nir.is_none() && !(named && self.prenoms.is_some() && self.date_naissance.is_some()) {
            return Err(misread());
        }
        let stated = [
            ("identite.nir", self.nir),
            ("identite.nom_naissance", self.nom_naissance),
            ("identite.nom_usage", self.nom_usage),
            ("identite.prenoms", self.prenoms),
            ("identite.date_naissance", self.date_naissance),
            ("identite.sexe", self.sexe),
            ("identite.commune_naissance", self.commune_naissance),
            ("adresse.code_postal", self.code_postal),
        ];
        let mut values = FieldValues::new();
        for (path, text) in stated {
            let Some((id, text)) = canon.find(path).zip(text) else { continue };
            let text = text.trim();
            let read = canon.field(id).kind.parse(text, Reads::default());
            match read.map(|parsed| parsed.value) {
                Ok(Some(value)) if !text.is_empty() => values.push((id, value)),
                _ => return Err(unreadable(path)),
            }
        }
        values.sort_by_key(|(field, _)| *field);
        Ok(values)
    }
}

impl Visitor {
    /// Opens a consultation, or refuses one who may not ask, or not any more today; that is kept too.
    async fn may_ask(&self, by: &str) -> Result<String, Problem> {
        let (own, store) = (&self.subscription, self.window.pipeline.store.as_ref());
        let (name, now) = (own.subscriber.as_str(), MachineClock.now());
        let consultation = open(store, &MachineClock, (name, by, &own.purpose)).await?;
        if take(store, name, now, own.lookups).await? {
            return Ok(consultation);
        }
        answer(store, &consultation, (REFUSED, None)).await?;
        let (status, detail, french) = if own.lookups == 0 {
            (
                StatusCode::FORBIDDEN,
                "this subscription allows no look-up",
                "cet abonnement n'autorise aucune consultation",
            )
        } else {
            self.notify_once().await?;
            (
                StatusCode::TOO_MANY_REQUESTS,
                "as many persons were asked about within twenty-four hours as this subscription allows",
                "autant de consultations qu'autorisées ont eu lieu en vingt-quatre heures",
            )
        };
        Err(Problem::new(status, Code::ConsultationRefused, detail).in_french(french))
    }

    /// Tells the operator that a subscriber asks more than it may: once a day, however often it goes on.
    async fn notify_once(&self) -> Result<(), Problem> {
        let (own, store) = (&self.subscription, self.window.pipeline.store.as_ref());
        if !is_first_refusal(store, &own.subscriber, today()).await? {
            return Ok(());
        }
        let detail =
            format!("`{}`: more than {} look-ups within twenty-four hours", own.subscriber, own.lookups);
        Ok(notify(store, &MachineClock, &own.subscriber, (Code::ConsultationRefused, &detail)).await?)
    }

    fn sees(&self, person: &KnownPerson) -> bool {
        let declared = self.window.declarations.current();
        let Some(scope) = declared.scopes.get(&self.subscription.profile) else { return false };
        let lens = Lens {
            canon: &self.window.pipeline.canon,
            scope,
            territories: std::slice::from_ref(&self.subscription.territory),
            pseudonyms: &self.window.pseudonyms,
        };
        lens.shows(&person.state)
    }

    fn answer(&self, answer: &str, person: Option<&KnownPerson>) -> Json_ {
        let (own, declared) = (&self.subscription, self.window.declarations.current());
        let shown = person.zip(declared.scopes.get(&own.profile)).map(|(person, scope)| {
            let (seen, canon) = (scope.see(&person.state), Arc::clone(&self.window.pipeline.canon));
            let known = seen.fields.iter().filter_map(|(field, value, at)| {
                let origin = seen.origins.get(usize::from(*at))?;
                Some(json!({
                    "champ": canon.field(*field).path, "valeur": value.shown(&canon), "source": origin.source,
                    "valide_le": origin.valid_at,
                }))
            });
            (self.window.pseudonyms.of(&own.profile, person.id), known.collect::<Vec<Json_>>())
        });
        match shown {
            Some((subject, known)) => json!({ "resultat": answer, "subject": subject.0, "connu": known }),
            None => json!({ "resultat": answer }),
        }
    }
}

fn misread() -> Problem {
    Problem::bad_request(
        "expected `nir`, or `nom_naissance` (or `nom_usage`), `prenoms` and `date_naissance`; besides `sexe`, `commune_naissance` and \
         `code_postal`; nothing else is understood",
    )
    .in_french(
        "attendu : `nir`, ou `nom_naissance` (ou `nom_usage`), `prenoms` et `date_naissance` ; en plus `sexe`, `commune_naissance` et \
         `code_postal` ; rien d'autre n'est compris",
    )
}

/// What was sent is not said again: it is of a person.
fn unreadable(path: &str) -> Problem {
    let field = path.rsplit('.').next().unwrap_or(path);
    Problem::bad_request(&format!("`{field}` cannot be read as its kind of value"))
        .in_french(&format!("`{field}` ne se lit pas comme une valeur de ce champ"))
}

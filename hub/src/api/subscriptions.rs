//! Subscriptions over HTTP: the same files as in the folder, listed, read, written whole and taken away, and how each subscriber stands.
//!
//! A file enters as YAML (or JSON, which is YAML too) and is checked with all the others before it is written: what holds a mistake changes
//! nothing. A serving hub follows the folder, so what is written holds two seconds later.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hub_core::code::Code;
use hub_core::pipeline::Pipeline;
use hub_core::subscription::{Scope, Subscription, family_word};
use serde_json::{Value as Json_, json};

use super::problem::Problem;
use crate::clock::today;
use crate::declarations::Declarations;
use crate::lag::Lag;
use crate::mappings::Mistake;
use crate::subscriptions::{LARGEST, SubscriptionFiles};

/// Where profiles are, in the folder.
const PROFILES: &str = "profils/";

/// Where subscriptions are written down, and what they are about.
#[derive(Clone)]
pub struct Registry {
    /// What was told.
    pub pipeline: Arc<Pipeline>,
    /// What holds now.
    pub declarations: Arc<Declarations>,
    /// Where the files are.
    pub folder: PathBuf,
}

pub(super) async fn list(State(registry): State<Registry>) -> Result<Response, Problem> {
    let declared = registry.declarations.current();
    let mut shown = Vec::new();
    for own in declared.subscriptions.values() {
        shown.push(registry.shown(own).await?);
    }
    Ok(Json(json!({ "abonnements": shown })).into_response())
}

pub(super) async fn one(
    State(registry): State<Registry>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let declared = registry.declarations.current();
    let Some(own) = declared.subscriptions.get(name.as_str()) else { return Err(nobody()) };
    let mut shown = registry.shown(own).await?;
    if let (Some(shown), Some(scope)) = (shown.as_object_mut(), declared.scopes.get(&own.profile)) {
        shown.insert("champs".to_owned(), registry.fields(scope));
    }
    Ok(Json(shown).into_response())
}

pub(super) async fn profiles(State(registry): State<Registry>) -> Response {
    let declared = registry.declarations.current();
    let shown = declared.scopes.values();
    let shown = shown.map(|scope| registry.profile(scope));
    Json(json!({ "profils": shown.collect::<Vec<Json_>>() })).into_response()
}

pub(super) async fn profile(
    State(registry): State<Registry>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let declared = registry.declarations.current();
    let Some(scope) = declared.scopes.get(name.as_str()) else { return Err(nobody()) };
    Ok(Json(registry.profile(scope)).into_response())
}

pub(super) async fn put(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    registry.write(("", &name), whole(body)?).await
}

pub(super) async fn put_profile(
    State(registry): State<Registry>,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    registry.write((PROFILES, &name), whole(body)?).await
}

pub(super) async fn delete(
    State(registry): State<Registry>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    registry.take_away(("", &name)).await
}

/// A profile somebody subscribes to stays: who it is about would be told nothing any more, and not told why.
pub(super) async fn delete_profile(
    State(registry): State<Registry>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let declared = registry.declarations.current();
    if let Some(own) = declared.subscriptions.values().find(|own| own.profile == name.as_str()) {
        let detail = format!("`{}` subscribes to this profile", own.subscriber);
        return Err(Problem::new(StatusCode::CONFLICT, Code::BadSubscription, &detail)
            .in_french(&format!("`{}` est abonné à ce profil", own.subscriber)));
    }
    registry.take_away((PROFILES, &name)).await
}

impl Registry {
    async fn shown(&self, own: &Subscription) -> Result<Json_, Problem> {
        let mut shown = in_json(own);
        shown["situation"] = Lag::of(self.pipeline.store.as_ref(), own, today()).await?.in_json();
        Ok(shown)
    }

    fn profile(&self, scope: &Scope) -> Json_ {
        json!({ "profil": scope.profile, "champs": self.fields(scope) })
    }

    async fn take_away(&self, (within, name): (&str, &str)) -> Result<Response, Problem> {
        if !is_plain(name) {
            return Err(nobody());
        }
        match tokio::fs::remove_file(self.folder.join(format!("{within}{name}.yaml"))).await {
            Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(nobody()),
            Err(error) => Err(error.into()),
        }
    }

    fn fields(&self, scope: &Scope) -> Json_ {
        let fields = scope.fields().map(|field| self.pipeline.canon.field(field).path.as_str());
        json!(fields.collect::<Vec<&str>>())
    }

    /// Checks a file among the others, and writes it when it holds no mistake.
    async fn write(&self, (within, name): (&str, &str), body: Bytes) -> Result<Response, Problem> {
        if !is_plain(name) {
            return Err(nobody());
        }
        let file = format!("{within}{name}.yaml");
        let (folder, canon, named) = (self.folder.clone(), Arc::clone(&self.pipeline.canon), file.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let mut files = SubscriptionFiles::folder(&folder, false).map_err(std::io::Error::other)?;
            let new = files.put(&named, body.to_vec());
            let (_, mistakes) = files.check(&canon, today());
            let own = mistakes.into_iter().filter(|mistake| mistake.file == named);
            let mistakes: Vec<Mistake> = own.collect();
            if mistakes.is_empty() {
                write(&folder.join(&named), &body)?;
            }
            Ok::<_, std::io::Error>((new, mistakes))
        });
        let (new, mistakes) = checked.await.map_err(std::io::Error::other)??;
        if !mistakes.is_empty() {
            return Err(faulty(&mistakes));
        }
        let status = if new { StatusCode::CREATED } else { StatusCode::OK };
        Ok((status, Json(json!({ "fichier": file }))).into_response())
    }
}

/// What is declared of a subscriber.
pub fn in_json(own: &Subscription) -> Json_ {
    json!({
        "abonne": own.subscriber, "titre": own.title, "profil": own.profile,
        "finalite": own.purpose, "base_legale": own.basis, "expire": own.expires.to_string(),
        "expiree": own.has_expired(today()), "territoire": own.territory.codes(),
        "evenements": own.families.iter().map(|family| family_word(*family)).collect::<Vec<_>>(),
        "canal": own.channel.word(), "consultations_par_jour": own.lookups,
    })
}

/// Written beside its place, then moved there: whoever reads meanwhile reads one or the other.
fn write(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

fn is_plain(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    !name.is_empty() && name.chars().all(plain)
}

fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|_| {
        let detail = format!("expected a file of at most {LARGEST} bytes, sent whole");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Code::BadRequest, &detail)
            .in_french(&format!("attendu : un fichier d'au plus {LARGEST} octets, envoyé en entier"))
    })
}

fn nobody() -> Problem {
    Problem::not_found(
        "there is no such subscription or profile; a name is of small letters, digits and hyphens",
    )
    .in_french(
        "il n'y a pas d'abonnement ou de profil de ce nom ; un nom est de minuscules, chiffres et tirets",
    )
}

fn faulty(mistakes: &[Mistake]) -> Problem {
    let said = |mistake: &Mistake| {
        format!("{} line {}: {}", mistake.diagnostic.code, mistake.line(), mistake.diagnostic.message)
    };
    let detail = mistakes.iter().map(said).collect::<Vec<_>>().join("; ");
    let code = mistakes.first().map_or(Code::BadSubscription, |mistake| mistake.diagnostic.code);
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, &detail)
}

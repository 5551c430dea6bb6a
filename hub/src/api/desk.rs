//! The desk deliveries are handed in at: who may, what is kept, who is told.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use hub_core::code::Code;
use hub_core::ledger::Book;
use hub_core::pipeline::Pipeline;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::pen::Pens;
use super::problem::Problem;
use crate::arrival::{Arrivals, Parcel, Received};
use crate::receipt::courier::{OWED, Owed};
use crate::sources::{Source, Sources};

/// What an upload key was used for, by source and hash of the key.
const KEYS: Book<Used> = Book::named("idempotency");

/// The bytes a key stands for, as BLAKE3 digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Used {
    digests: Vec<String>,
}

/// The desk.
pub struct Desk {
    /// The stages and their adapters.
    pub pipeline: Arc<Pipeline>,
    /// Who may hand in what.
    pub sources: Arc<Sources>,
    /// Told when a delivery was acknowledged.
    pub arrived: Arc<Notify>,
    /// Told when a run has ended.
    pub ended: Arc<Notify>,
    pub(super) arrivals: Arrivals,
    pub(super) pens: Pens,
}

/// What comes with a file, besides its bytes.
#[derive(Debug, Default)]
pub(super) struct Slip {
    /// The source it is of.
    pub source: String,
    /// The name it comes under.
    pub filename: Option<String>,
    /// The sender's own key for this very file.
    pub key: Option<String>,
}

/// The identifier in a path; empty, which none is, when it is no text.
pub(super) struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(named.map(|Path(name)| name).unwrap_or_default()))
    }
}

impl Desk {
    /// A desk in front of a pipeline; it tells of arrivals by `arrived`, and learns of ended runs by `ended`.
    pub fn new(
        pipeline: Arc<Pipeline>,
        sources: Arc<Sources>,
        arrived: Arc<Notify>,
        ended: Arc<Notify>,
    ) -> Self {
        let arrivals = crate::installation::arrivals(&pipeline);
        Self { pipeline, sources, arrived, ended, arrivals, pens: Pens::default() }
    }

    /// The source a request may speak for: that of its token, which must be the one it asks for if it does.
    pub(super) fn entitled(
        &self,
        headers: &HeaderMap,
        asked: Option<&str>,
    ) -> Result<(&str, &Source), Problem> {
        let today: String = self.pipeline.clock.now().to_string().chars().take(10).collect();
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let scheme = bearer.and_then(|value| value.split_once(' '));
        let secret = scheme
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map_or("", |(_, secret)| secret);
        let refused = |detail| Problem::new(StatusCode::UNAUTHORIZED, Code::TokenRefused, detail);
        let (source, _) = self.sources.bearer(secret.trim(), &today).ok_or_else(|| {
            refused("expected the token of a source, found none that is known and in force")
        })?;
        if let Some(asked) = asked.filter(|asked| *asked != source) {
            return Err(match self.sources.get(asked) {
                Some(_) => refused("the token is that of another source than the one named"),
                None => {
                    Problem::new(StatusCode::NOT_FOUND, Code::UnknownSource, "no such source is configured")
                }
            });
        }
        let (name, known) =
            self.sources.iter().find(|(name, _)| *name == source).ok_or_else(|| refused("no such source"))?;
        Ok((name, known))
    }

    /// Keeps what has come whole, and has the backlog know.
    pub(super) async fn accept(&self, slip: &Slip, parcel: Parcel) -> Result<Vec<Received>, Problem> {
        let opened = self.arrivals.open(parcel).await?;
        if let Some(key) = &slip.key {
            let digests = opened.iter().map(|extract| extract.digest().to_string()).collect();
            self.claim_key(&slip.source, key, Used { digests }).await?;
        }
        let received = self.arrivals.acknowledge(&slip.source, opened).await?;
        for Received { delivery, known } in &received {
            tracing::info!(source = %slip.source, delivery = %delivery.id, size_bytes = delivery.size_bytes, known, "received");
        }
        if self.sources.wants_receipts(&slip.source, None) {
            for Received { delivery, .. } in &received {
                OWED.change(self.pipeline.store.as_ref(), &delivery.id.to_string(), |_| Owed::default())
                    .await?;
            }
        }
        self.arrived.notify_one();
        Ok(received)
    }

    /// A key stands for the same bytes for ever.
    async fn claim_key(&self, source: &str, key: &str, used: Used) -> Result<(), Problem> {
        let entry = format!("{source}/{}", blake3::hash(key.as_bytes()).to_hex());
        match KEYS.claim(self.pipeline.store.as_ref(), &entry, &used).await? {
            Some(before) if before != used => {
                let detail =
                    "expected the bytes this `Idempotency-Key` came with the first time, found others";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, Code::KeyReused, detail))
            }
            _ => Ok(()),
        }
    }
}

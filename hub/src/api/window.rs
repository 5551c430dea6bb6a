//! What subscribers come to, whatever they ask: a token enters, and the subscription in force of whoever shows it leaves.

use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use hub_core::code::Code;
use hub_core::pipeline::Pipeline;
use hub_core::subscription::{Channel, Pseudonyms, Subscription, paused};
use tokio::sync::Semaphore;

use super::problem::Problem;
use crate::admission::{Admitted, admitted};
use crate::clock::today;
use crate::declarations::Declarations;

/// What subscribers ask through.
#[derive(Clone)]
pub struct Window {
    /// What is known, and what was told.
    pub(super) pipeline: Arc<Pipeline>,
    /// Who subscribes to what.
    pub(super) declarations: Arc<Declarations>,
    /// What persons are called.
    pub(super) pseudonyms: Pseudonyms,
    /// Going through all persons of a profile, one who asks at a time.
    pub(super) rolls: Arc<Semaphore>,
}

/// A subscriber that was let in.
pub(super) struct Visitor {
    pub window: Window,
    pub subscription: Subscription,
    /// The place behind which it reads what its profile was told.
    pub from: u64,
    /// What it showed.
    headers: HeaderMap,
}

impl Window {
    /// A window on what was told, for those declared.
    pub fn new(pipeline: Arc<Pipeline>, declarations: Arc<Declarations>, pseudonyms: Pseudonyms) -> Self {
        Self { pipeline, declarations, pseudonyms, rolls: Arc::new(Semaphore::new(1)) }
    }

    /// Who asks, if the token is known and the subscription in force.
    pub(super) async fn let_in(&self, headers: &HeaderMap) -> Result<Visitor, Problem> {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let scheme = bearer.and_then(|value| value.split_once(' '));
        let secret = scheme
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim());
        let found = match secret {
            Some(secret) => admitted(self.pipeline.store.as_ref(), secret).await?,
            None => None,
        };
        let Some(Admitted { subscriber, from }) = found else { return Err(refused()) };
        let declared = self.declarations.current();
        let known = declared.subscriptions.get(subscriber.as_str());
        let Some(subscription) = known.filter(|own| !own.has_expired(today())).cloned() else {
            return Err(refused());
        };
        if paused(self.pipeline.store.as_ref()).await?.contains(&subscription.subscriber) {
            let detail = "the subscription is paused: nothing is told for now";
            return Err(Problem::new(StatusCode::FORBIDDEN, Code::TokenRefused, detail)
                .in_french("l'abonnement est en pause : rien n'est dit pour l'instant"));
        }
        Ok(Visitor { window: self.clone(), subscription, from, headers: headers.clone() })
    }
}

impl Visitor {
    /// Lets in once more whoever waited, as they are declared now: a token may have been changed, a subscription paused, cut or over.
    pub async fn again(&self) -> Result<Self, Problem> {
        self.window.let_in(&self.headers).await?.reads_here()
    }

    /// Refuses one who has a channel of its own for its events.
    pub fn reads_here(self) -> Result<Self, Problem> {
        if self.subscription.channel == Channel::Http {
            return Ok(self);
        }
        let channel = self.subscription.channel.word();
        let detail = format!("events of this subscription come by its channel, `{channel}`");
        Err(Problem::new(StatusCode::FORBIDDEN, Code::TokenRefused, &detail)
            .in_french(&format!("les événements de cet abonnement viennent par son canal, `{channel}`")))
    }
}

fn refused() -> Problem {
    let detail =
        "expected `Authorization: Bearer` with the token of a subscriber whose subscription is in force";
    Problem::new(StatusCode::UNAUTHORIZED, Code::TokenRefused, detail)
        .in_french("attendu : le jeton d'un abonné dont l'abonnement est en vigueur")
}

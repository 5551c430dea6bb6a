//! The lanes of a session: waves go out on those that are free, answers come back in any order.

use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tracing::Instrument as _;

use crate::broker::{BrokerError, Message, Session, Verdict};

type Answers = Result<Vec<Verdict>, BrokerError>;
/// A wave, and what the broker said of it.
pub(super) type Answered = (Vec<Message>, Answers);

/// What is on its way. Dropped, it lets go of all of it: unconfirmed events stay in the outbox.
pub(super) struct Lanes {
    session: Arc<dyn Session>,
    free: Vec<usize>,
    away: JoinSet<(usize, Vec<Message>, Answers)>,
}

impl Lanes {
    pub fn of(session: &Arc<dyn Session>) -> Self {
        let free = (0..session.lanes()).rev().collect();
        Self { session: Arc::clone(session), free, away: JoinSet::new() }
    }

    pub fn one_is_free(&self) -> bool {
        !self.free.is_empty()
    }

    /// Sends a wave on a free lane.
    pub fn send(&mut self, wave: Vec<Message>) {
        let Some(lane) = self.free.pop() else { return };
        let session = Arc::clone(&self.session);
        let sending = async move {
            let answers = session.publish(lane, &wave).await;
            (lane, wave, answers)
        };
        self.away.spawn(sending.in_current_span());
    }

    /// The next wave that is answered for, with all that were meanwhile; none when nothing is on its way.
    pub async fn answered(&mut self) -> Vec<Answered> {
        let mut ended: Vec<_> = self.away.join_next().await.into_iter().collect();
        ended.extend(std::iter::from_fn(|| self.away.try_join_next()));
        ended.into_iter().map(|ended| self.back(ended)).collect()
    }

    fn back(&mut self, ended: Result<(usize, Vec<Message>, Answers), JoinError>) -> Answered {
        match ended {
            Ok((lane, wave, answers)) => {
                self.free.push(lane);
                (wave, answers)
            }
            // Its lane is not used again: whether the broker got anything is not known.
            Err(_) => (Vec::new(), Err(BrokerError::Closed)),
        }
    }
}

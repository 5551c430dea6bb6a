//! The clock of a serving hub: looks at each place when it is owed, and says when a feed has not come.
//!
//! A look that was missed while no hub ran is made up for once. Whoever holds the lease of a place looks; the others find it
//! looked at. Times come from the clock port, so that a clock that jumps loses no look and makes none twice.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use hub_core::code::Code;
use hub_core::ledger::Book;
use hub_core::store::StoreError;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use super::standing::{STANDINGS, Standing, entry};
use super::{PullError, Puller};
use crate::notice::notify;
use crate::sources::Pull;
use crate::sources::file::Expected;
use crate::sources::schedule::{Cadence, zone};

/// How often what is owed is looked for.
const TICK: Duration = Duration::from_secs(1);
/// How long a place is left alone after a look that broke down.
const AFTER_A_FALL: Duration = Duration::from_mins(1);
/// A last look so far ahead of the hour was noted by a clock that was wrong, and so was the next one.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);
/// Seconds between two looks at a place without a schedule.
const USUAL_SECONDS: u64 = 60;

/// Feeds that were waited for, by source.
const WAITED_FOR: Book<Waited> = Book::named("expected");

/// The last hour by which a feed was expected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Waited {
    deadline: Timestamp,
    missing: bool,
}

/// When a place is looked at after this instant, jitter left out.
pub fn next(pull: &Pull, now: Timestamp) -> Option<Timestamp> {
    let schedule = pull.schedule.as_ref();
    if let Some(cron) = schedule.and_then(|schedule| schedule.cron.as_deref()) {
        let zone = schedule.map(|schedule| schedule.time_zone.as_str()).unwrap_or_default();
        return Cadence::new(cron, zone).ok()?.next_after(now);
    }
    let seconds = schedule.and_then(|schedule| schedule.every_seconds).unwrap_or(USUAL_SECONDS);
    now.checked_add(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))).ok()
}

impl Puller {
    /// Looks at every place whenever it is owed, for ever.
    pub async fn run(self: Arc<Self>) {
        let mut places = tokio::task::JoinSet::new();
        for (source, known) in self.sources.iter() {
            for (name, pull) in &known.pulls {
                let (puller, source, name, pull) =
                    (Arc::clone(&self), source.to_owned(), name.clone(), pull.clone());
                places.spawn(async move { puller.keep_watch(&source, &name, &pull).await });
            }
            if let Some(expected) = known.expected.clone() {
                let (puller, source) = (Arc::clone(&self), source.to_owned());
                places.spawn(async move { puller.wait_for(&source, &expected).await });
            }
        }
        // Each of them goes on for ever; dropped, all end.
        while places.join_next().await.is_some() {}
        std::future::pending::<()>().await;
    }

    /// Watches a place for ever: a look that breaks down by a mistake of ours is not the last one.
    async fn keep_watch(&self, source: &str, name: &str, pull: &Pull) {
        loop {
            let fell = AssertUnwindSafe(self.watch(source, name, pull)).catch_unwind().await.is_err();
            error!(source, pull = name, fell, "a place is watched no more; taken up again in a minute");
            tokio::time::sleep(AFTER_A_FALL).await;
        }
    }

    async fn watch(&self, source: &str, name: &str, pull: &Pull) {
        loop {
            match self.wait(source, name, pull).await {
                // Told already, with its time of trying again.
                Ok(()) => match self.look(source, name, pull).await {
                    Ok(_) | Err(PullError::Place(_) | PullError::Taken | PullError::Paused) => {}
                    Err(error) => warn!(source, pull = name, code = %error.code(), %error, "a look failed"),
                },
                Err(error) => {
                    warn!(source, pull = name, code = %error.code(), %error, "a schedule cannot be read");
                }
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Waits until a look is owed.
    async fn wait(&self, source: &str, name: &str, pull: &Pull) -> Result<(), StoreError> {
        let entry = entry(source, name);
        let jitter = pull.schedule.as_ref().map_or(0, |schedule| schedule.jitter_seconds);
        let late =
            SignedDuration::from_millis(rand::random_range(0..=jitter.saturating_mul(1_000).cast_signed()));
        loop {
            let standing = STANDINGS.read(self.store(), &entry).await?.unwrap_or_default();
            let now = self.arrivals.clock.now();
            let soon = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
            let owed = match standing.next {
                Some(_) if standing.last.as_ref().is_some_and(|last| last.at > soon) => true,
                Some(next) => next.checked_add(late).is_ok_and(|next| next <= now),
                None => self.first(&entry, pull, now).await?,
            };
            if owed && !standing.paused {
                return Ok(());
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// A place never looked at is looked at now, or at its first hour when it has hours.
    async fn first(&self, entry: &str, pull: &Pull, now: Timestamp) -> Result<bool, StoreError> {
        let scheduled = pull.schedule.as_ref().is_some_and(|schedule| schedule.cron.is_some());
        if scheduled {
            let first = next(pull, now);
            let change = |standing: Option<Standing>| {
                let standing = standing.unwrap_or_default();
                Standing { next: standing.next.or(first), ..standing }
            };
            STANDINGS.change(self.store(), entry, change).await?;
        }
        Ok(!scheduled)
    }

    async fn wait_for(&self, source: &str, expected: &Expected) {
        loop {
            if let Err(error) = self.judge(source, expected).await {
                warn!(source, code = %error.code(), %error, "whether the feed came is not known");
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Whether the feed came by the last hour it was expected, told once; and once more when it came after all.
    async fn judge(&self, source: &str, expected: &Expected) -> Result<(), StoreError> {
        let now = self.arrivals.clock.now();
        let Some((before, deadline)) = deadlines(expected, now) else { return Ok(()) };
        let waited = WAITED_FOR.read(self.store(), source).await?;
        // A source is not late on the day it is configured.
        let waited = match waited {
            Some(waited) => waited,
            None => WAITED_FOR.change(self.store(), source, |_| Waited { deadline, missing: false }).await?,
        };
        let last = self.store().last_arrival(source).await?;
        let came = last.is_some_and(|last| last >= before);
        let changed = match (waited.deadline < deadline, waited.missing, came) {
            (true, _, false) => Some((Code::FeedMissing, true)),
            (_, true, true) => Some((Code::FeedCame, false)),
            (true, false, true) => None,
            _ => return Ok(()),
        };
        let missing = changed.is_some_and(|(_, missing)| missing);
        WAITED_FOR.change(self.store(), source, |_| Waited { deadline, missing }).await?;
        let Some((code, _)) = changed else { return Ok(()) };
        let detail = format!("expected by {}", expected.by.strftime("%H:%M"));
        notify(self.store(), self.arrivals.clock.as_ref(), source, (code, &detail)).await
    }
}

/// The last two instants by which a feed was expected, the latest second.
fn deadlines(expected: &Expected, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let zone = zone(&expected.time_zone).ok()?;
    let today = now.to_zoned_datetime(zone.clone()).date();
    let at = |days: i64| {
        let day = today.checked_sub(days.days()).ok()?;
        let counts = expected.days.is_empty() || expected.days.contains(&day.weekday());
        let instant = day.to_datetime(expected.by).to_zoned_datetime(zone.clone()).ok()?.timestamp();
        (counts && instant <= now).then_some(instant)
    };
    let mut last = (0..=15).filter_map(at);
    let deadline = last.next()?;
    Some((last.next()?, deadline))
}

//! What a place does not let the hub do with single offers: read one, put one away, or speak of it at all.
//!
//! Refusals of one look enter; one notice for each kind leaves, of those nobody was told of yet, and a note of each, so that the next
//! look is silent about them. Each is tried again at every look, as a right may be given without the offer changing.

use hub_core::clock::Clock;
use hub_core::code::Code;
use hub_core::store::{Store, StoreError};

use super::standing::{Failure, TAKEN, Taken};
use crate::notice::notify;

/// Names told in one notice.
const FEW: usize = 10;

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Refused {
    /// It could not be read, and was not taken in.
    Reading,
    /// It was taken in, but could not be moved, deleted or acknowledged.
    PuttingAway,
    /// No offer could be made of its name.
    Naming,
}

/// One refusal.
struct Refusal {
    kind: Refused,
    name: String,
    failure: Failure,
    /// The note to be kept of it and its entry, when nobody was told yet.
    news: Option<(String, Taken)>,
}

/// The refusals of one look.
#[derive(Default)]
pub(super) struct Refusals(Vec<Refusal>);

impl Refusals {
    /// One more; with a note of it when it is new.
    pub(super) fn add(
        &mut self,
        kind: Refused,
        (name, failure): (&str, Failure),
        news: Option<(String, Taken)>,
    ) {
        self.0.push(Refusal { kind, name: name.to_owned(), failure, news });
    }

    /// How the look went, when something was refused: the first refusal, and how many more there were.
    pub(super) fn in_short(&self) -> Option<Failure> {
        let first = self.0.first()?;
        let others = self.0.len() - 1;
        let more = if others > 0 { format!("; and {others} more") } else { String::new() };
        let detail = format!("`{}`: {}{more}", first.name, first.failure.detail);
        Some(Failure { code: first.failure.code, detail })
    }

    /// Tells what is new, then notes that it was told.
    ///
    /// # Errors
    /// When the store fails; what was not noted is told again.
    pub(super) async fn tell(
        &self,
        store: &dyn Store,
        clock: &dyn Clock,
        (source, entry): (&str, &str),
    ) -> Result<(), StoreError> {
        for kind in [Refused::Reading, Refused::PuttingAway, Refused::Naming] {
            let new: Vec<&Refusal> =
                self.0.iter().filter(|one| one.kind == kind && one.news.is_some()).collect();
            let Some(first) = new.first() else { continue };
            let detail = format!("`{entry}`: {}", sentence(kind, &new, &first.failure));
            notify(store, clock, source, (first.failure.code, &detail)).await?;
            for (note, taken) in new.iter().filter_map(|one| one.news.as_ref()) {
                TAKEN.change(store, note, |_| taken.clone()).await?;
            }
        }
        Ok(())
    }
}

fn sentence(kind: Refused, new: &[&Refusal], why: &Failure) -> String {
    let names: Vec<String> = new.iter().take(FEW).map(|one| format!("`{}`", one.name)).collect();
    let more = new.len().saturating_sub(FEW);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (names, why) = (format!("{}{more}", names.join(", ")), &why.detail);
    match kind {
        Refused::Reading => {
            format!("{names} could not be read, the others were taken: {why}; tried again at each look")
        }
        Refused::PuttingAway => {
            format!("{names} came in and could not be put away there: {why}; tried again at each look")
        }
        Refused::Naming => format!("{names} passed over: {why}"),
    }
}

/// Why a name is passed over.
pub(super) fn unusable_name() -> Failure {
    let detail = "no file can be asked for by such a name; it has to be renamed there";
    Failure { code: Code::UnusableName, detail: detail.to_owned() }
}

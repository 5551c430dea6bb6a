//! The port where facts are kept. One write verb, [`Store::commit`]; every read is a batch.
//!
//! Contract for every implementation: verbs may be called in parallel; a commit is one transaction or nothing; a commit whose
//! expectations no longer hold is [`StoreError::Conflict`] and changes nothing; personal payloads are sealed at rest and
//! look-up keys are keyed hashes, so the clear NIR never touches the disk.

pub mod error;

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use compact_str::CompactString;
use jiff::Timestamp;

use crate::delivery::{Counts, Delivery, DeliveryId, Digest, PersonId, RunId, Status, Warning};
use crate::event::Event;
use crate::identity::IdentityKey;
use crate::ledger::Ledger;
use crate::merge::uncontested;
use crate::reject::Reject;
use crate::ruling::{Question, Ruling, Rulings};
use crate::statement::{Origin, RecordKey, Stated, Statement};
use crate::subscription::Tellings;

pub use error::StoreError;

/// Whether a delivery's bytes are new to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Never seen from this source.
    New,
    /// The same bytes arrived before, in this delivery.
    Known(DeliveryId),
}

/// A run as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its identifier.
    pub id: RunId,
    /// The delivery it processes.
    pub delivery: DeliveryId,
    /// The source.
    pub source: String,
    /// Mapping and version, `caf/vrsb0801@1`.
    pub mapping: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it stands.
    pub status: Status,
    /// Batches committed.
    pub checkpoint: u64,
    /// What it counted so far.
    pub counts: Counts,
    /// What it has to tell.
    pub warnings: Vec<Warning>,
    /// When the emitter made the delivery, as its header says; empty when it does not.
    pub created: String,
    /// The emitter its first readable record names, as the feed writes it; empty when there is none.
    pub emitter: String,
    /// The delivery states all its emitters have.
    pub snapshot: bool,
    /// The persons it makes are told by one event.
    pub first_load: bool,
    /// The flow of its mapping, inside which an emitter's deliveries are in order; empty when no mapping was found.
    pub flow: String,
    /// The fingerprint of its mapping; 0 when it is not known.
    pub fingerprint: u64,
}

/// A claim known by the hash of the frame that stated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFrame {
    /// The hash asked for.
    pub hash: u64,
    /// Row number of a claim that frame stated, still stated today.
    pub claim: i64,
    /// Its emitter.
    pub emitter: CompactString,
}

/// A person as last committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPerson {
    /// The person.
    pub id: PersonId,
    /// Sequence of the last event; also the version expected by a commit.
    pub sequence: u64,
    /// What is known.
    pub state: Stated,
    /// It is kept in the person's only claim.
    pub in_claim: bool,
    /// Every statement linked to the person.
    pub statements: Vec<Statement>,
    /// The person it was found to be: nothing is known under this name any more.
    pub merged_into: Option<PersonId>,
}

/// How what is known of a person is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In the person's only claim, once for both: most persons have one.
    InClaim,
    /// By itself: merged from several claims, or nothing any more.
    Apart(Stated),
}

impl Kept {
    /// What is known, with all the statements linked to the person; `None` when it should be kept in a claim and there is
    /// not exactly one.
    pub fn read(self, statements: &[Statement]) -> Option<Stated> {
        match (self, statements) {
            (Self::Apart(state), _) => Some(state),
            (Self::InClaim, [only]) => Some(uncontested(only)),
            (Self::InClaim, _) => None,
        }
    }
}

/// A person found to be another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merger {
    /// Who is absorbed: all that is linked to it moves.
    pub absorbed: PersonId,
    /// Who it is.
    pub into: PersonId,
}

/// A state a commit puts another in the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// What was known.
    pub state: Stated,
    /// The record, or the silence, that made the difference.
    pub by: Origin,
}

/// What was known of a person, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Sequence of the person's last event then. Versions that differ by their origins alone share one.
    pub sequence: u64,
    /// Since when; `None` when it was there before versions were kept.
    pub from: Option<Timestamp>,
    /// What was known.
    pub state: Stated,
    /// Until when, and what made the difference; `None` for what is known now.
    pub end: Option<(Timestamp, Origin)>,
}

/// A person to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonWrite {
    /// The person.
    pub id: PersonId,
    /// Sequence read before; `None` creates.
    pub expected: Option<u64>,
    /// Sequence after.
    pub sequence: u64,
    /// What is known now; in its claim only if the person has exactly one once this is committed.
    pub state: Kept,
    /// What was known before, where it is no longer so: it goes to the person's history. A state kept in the only claim is
    /// overwritten with that claim, so the store cannot tell by itself. `None` for a person created.
    pub replaced: Option<Replaced>,
}

/// One batch's whole effect.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The run; nil for what is no part of one and moves no checkpoint: a ruling, keys written anew.
    pub run: RunId,
    /// When what it changes is known from; that of its events.
    pub at: Timestamp,
    /// Batches committed once this one is; a commit at or below the stored checkpoint is a conflict.
    pub checkpoint: u64,
    /// Claims to insert (`id` is `None`) or rewrite.
    pub statements: Vec<Statement>,
    /// Persons created or changed.
    pub persons: Vec<PersonWrite>,
    /// Persons that must still be at this sequence, although they are not written.
    pub relied_on: Vec<(PersonId, u64)>,
    /// Persons whose questions are all known anew: those kept of them are dropped.
    pub examined: Vec<PersonId>,
    /// Questions open from now on; one asked already keeps its date.
    pub questions: Vec<Question>,
    /// A person's word, or one that is taken back.
    pub ruling: Option<Ruling>,
    /// Persons absorbed once who are somebody again; each also stands among `persons`.
    pub restored: Vec<PersonId>,
    /// Persons absorbed by others; each also stands among `persons`. Their claims move before any is written.
    pub mergers: Vec<Merger>,
    /// Claims that are another person's from now on, although no record states them anew: after the mergers.
    pub moved: Vec<(i64, PersonId)>,
    /// Identity keys to add; those already there are left.
    pub keys: Vec<(IdentityKey, PersonId)>,
    /// Records refused.
    pub rejects: Vec<Reject>,
    /// Events, in the order they are to be announced; each goes to the journal and to the outbox.
    pub events: Vec<Event>,
    /// What the batch counted; added to the run's.
    pub counts: Counts,
}

impl Run {
    /// The mapping's id, without its version.
    pub fn kind(&self) -> &str {
        self.mapping.split('@').next().unwrap_or_default()
    }

    /// It took its delivery in, with or without rejects.
    pub fn took_in(&self) -> bool {
        matches!(self.status, Status::Done | Status::DoneWithRejects)
    }

    /// It was interrupted.
    pub fn stopped_short(&self) -> bool {
        matches!(self.status, Status::Running | Status::Halted)
    }
}

impl Commit {
    /// A commit of a run in which nothing happens yet.
    pub fn new(run: RunId, at: Timestamp) -> Self {
        Self {
            run,
            at,
            checkpoint: 0,
            statements: Vec::new(),
            persons: Vec::new(),
            relied_on: Vec::new(),
            examined: Vec::new(),
            questions: Vec::new(),
            ruling: None,
            restored: Vec::new(),
            mergers: Vec::new(),
            moved: Vec::new(),
            keys: Vec::new(),
            rejects: Vec::new(),
            events: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Row numbers of the claims it rewrites.
    pub fn rewritten(&self) -> impl Iterator<Item = i64> + '_ {
        self.statements.iter().filter_map(|statement| statement.id)
    }
}

/// An event in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEvent {
    /// Place in the journal; never skipped by a late commit.
    pub cursor: u64,
    /// The event; its `kind` is part of the JSON.
    pub person: PersonId,
    /// Identifier, equal to the `CloudEvent`'s.
    pub id: uuid::Uuid,
    /// Its place among the person's events.
    pub sequence: u64,
    /// Routing key.
    pub routing_key: String,
    /// The `CloudEvent`.
    pub json: String,
}

/// A commit as its store will write it; nobody else can read it.
pub type Ready = Arc<dyn Any + Send + Sync>;

/// The turn to take deliveries in: given back when dropped, and when whoever holds it dies.
pub type Turn = Box<dyn Send + Sync>;

/// The store.
#[async_trait]
pub trait Store: Ledger + Rulings + Tellings {
    /// Takes the turn to run a delivery, `None` while another run has it. One at a time: two runs at once would each take
    /// for gone what the other states, and make twice a person neither sees yet.
    async fn turn(&self) -> Result<Option<Turn>, StoreError>;

    /// Records that a delivery arrived. Idempotent by source and digest.
    async fn register(&self, delivery: &Delivery) -> Result<Registration, StoreError>;

    /// Finds a delivery.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError>;

    /// Finds a delivery by source and digest.
    async fn delivery_by_digest(&self, source: &str, digest: Digest) -> Result<Option<Delivery>, StoreError>;

    /// Latest deliveries first.
    async fn deliveries(&self, limit: u32) -> Result<Vec<Delivery>, StoreError>;

    /// When something new last came from a source.
    async fn last_arrival(&self, source: &str) -> Result<Option<Timestamp>, StoreError>;

    /// Deliveries whose last run did not end, done or held, and those never run; the first to arrive first.
    async fn pending(&self, limit: u32) -> Result<Vec<Delivery>, StoreError>;

    /// Opens a run, status running, checkpoint 0. The caller has the turn, so a run still open was interrupted: it is halted.
    async fn begin(&self, run: &Run) -> Result<(), StoreError>;

    /// Ends or updates a run's status, warnings, end and `created`; counts and checkpoint belong to commits and stay.
    async fn close(
        &self,
        run: RunId,
        status: Status,
        warnings: &[Warning],
        ended_at: Option<Timestamp>,
    ) -> Result<(), StoreError>;

    /// Finds a run.
    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError>;

    /// Latest runs first.
    async fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError>;

    /// Every run of a delivery, latest first.
    async fn runs_of(&self, delivery: DeliveryId) -> Result<Vec<Run>, StoreError>;

    /// Runs of a source, flow and emitter, latest first.
    async fn runs_in_flow(
        &self,
        source: &str,
        flow: &str,
        emitter: &str,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError>;

    /// The latest run of a source, flow and emitter that took a snapshot in, if any.
    async fn latest_snapshot(
        &self,
        source: &str,
        flow: &str,
        emitter: &str,
    ) -> Result<Option<RunId>, StoreError>;

    /// The latest `created` among runs of a source, flow and emitter that were taken in, if any.
    async fn latest_created(
        &self,
        source: &str,
        flow: &str,
        emitter: &str,
    ) -> Result<Option<String>, StoreError>;

    /// Which of these frame hashes are stated today by a claim of the source. Read-only, one round trip.
    async fn known_frames(&self, source: &str, hashes: &[u64]) -> Result<Vec<KnownFrame>, StoreError>;

    /// The claims of these records, each `(emitter, record_key)`.
    async fn statements_of(&self, source: &str, records: &[RecordKey]) -> Result<Vec<Statement>, StoreError>;

    /// Claims by row number.
    async fn statements(&self, ids: &[i64]) -> Result<Vec<Statement>, StoreError>;

    /// For each key, by its index in `keys`, the persons that bear it; those absorbed under the name of who absorbed them.
    async fn candidates(&self, keys: &[IdentityKey]) -> Result<Vec<(usize, PersonId)>, StoreError>;

    /// Persons with all their statements, absorbed ones with none; unknown ids are left out.
    async fn persons(&self, ids: &[PersonId]) -> Result<Vec<KnownPerson>, StoreError>;

    /// What was known of a person under this very identifier, the first version first and what is known now last; nothing of one
    /// never heard of. Who was absorbed is followed by nobody: its last version is empty.
    async fn history(&self, person: PersonId) -> Result<Vec<Version>, StoreError> {
        let found = self.histories(&[person]).await?.pop();
        Ok(found.map(|(_, versions)| versions).unwrap_or_default())
    }

    /// The same of several, in one round; those never heard of are left out.
    async fn histories(&self, persons: &[PersonId]) -> Result<Vec<(PersonId, Vec<Version>)>, StoreError>;

    /// Persons above `after`, in the order of their identifiers; absorbed ones are left out.
    async fn people(&self, after: PersonId, limit: u32) -> Result<Vec<PersonId>, StoreError>;

    /// How many claims of these emitters are stated now.
    async fn count_stated(&self, source: &str, emitters: &[String]) -> Result<u64, StoreError>;

    /// Row numbers above `after`, ascending, of claims of these emitters still stated and not written by `run`.
    async fn stated_before(
        &self,
        source: &str,
        emitters: &[String],
        run: RunId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError>;

    /// Makes a commit ready to be written: sealed and hashed, which takes a processor and not the database.
    fn ready(&self, commit: &Arc<Commit>) -> Ready;

    /// Writes one batch this very store made ready: everything or nothing.
    async fn write(&self, ready: &Ready) -> Result<(), StoreError>;

    /// Makes ready and writes.
    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let ready = self.ready(&Arc::new(commit.clone()));
        self.write(&ready).await
    }

    /// The refused records of a run behind this number (0: from the start), in file order.
    async fn rejects(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError>;

    /// Events after a cursor, in journal order.
    async fn events(&self, after: u64, limit: u32) -> Result<Vec<JournalEvent>, StoreError>;

    /// The last cursor of the journal, 0 when nothing was ever announced.
    async fn journal_end(&self) -> Result<u64, StoreError>;

    /// Whether the journal has come as far as this cursor; one that was made anew has not.
    async fn reaches(&self, cursor: u64) -> Result<bool, StoreError> {
        Ok(!self.events(cursor.saturating_sub(1), 1).await?.is_empty())
    }

    /// Events after a cursor not yet confirmed by the broker, in journal order.
    async fn outbox(&self, after: u64, limit: u32) -> Result<Vec<JournalEvent>, StoreError>;

    /// How many events the broker has not confirmed yet.
    async fn waiting(&self) -> Result<u64, StoreError>;

    /// Removes events from the outbox: the broker has confirmed them. They stay in the journal.
    async fn confirm(&self, cursors: &[u64]) -> Result<(), StoreError>;

    /// Takes or renews a lease for `for_ms` by the store's own clock; 0 gives it back. False when another holds it.
    async fn lease(&self, name: &str, holder: uuid::Uuid, for_ms: u64) -> Result<bool, StoreError>;

    /// Number of persons (absorbed ones left out), claims and journal events.
    async fn sizes(&self) -> Result<(u64, u64, u64), StoreError>;
}

//! A commit made ready to write: sealed, hashed and sorted before any transaction opens.
//!
//! Persons and keys are in id order, so that two commits on the same rows lock them in the same order.

use std::sync::Arc;

use compact_str::CompactString;
use hub_core::delivery::Counts;
use hub_core::event::Event;
use hub_core::reject::Reject;
use hub_core::ruling::{Question, Ruling};
use hub_core::statement::Statement;
use hub_core::store::{Commit, PersonWrite, Ready, Replaced, StoreError};
use uuid::Uuid;

use super::codec::{Codec, Row, RulingWords, instant, nanoseconds};

/// Everything one transaction writes.
pub(super) struct Batch {
    pub run: Uuid,
    pub checkpoint: i64,
    pub counts: [i64; 8],
    pub inserted: Vec<ClaimWrite>,
    pub rewritten: Vec<ClaimWrite>,
    pub created: Vec<PersonRowWrite>,
    pub updated: Vec<PersonRowWrite>,
    /// What the updated were before, where it is no longer known.
    pub replaced: Vec<VersionWrite>,
    /// When all of this is known from.
    pub at: i64,
    pub relied_on: Vec<(Uuid, i64)>,
    pub examined: Vec<Uuid>,
    pub questions: Vec<QuestionWrite>,
    pub ruling: Option<RulingWrite>,
    pub restored: Vec<Uuid>,
    /// Who was absorbed, by whom.
    pub mergers: Vec<(Uuid, Uuid)>,
    /// Claims that are another person's from now on.
    pub moved: Vec<(i64, Uuid)>,
    pub keys: Vec<(i64, Uuid)>,
    /// Those of persons created here: nobody can have written them before.
    pub first_keys: Vec<(i64, Uuid)>,
    pub rejects: Vec<RejectWrite>,
    pub events: Vec<EventWrite>,
}

pub(super) struct ClaimWrite {
    /// Row number; 0 for a new row.
    pub id: i64,
    pub source: CompactString,
    pub emitter: CompactString,
    pub record_key: i64,
    pub record_hash: Option<i64>,
    pub person: Uuid,
    pub absent: bool,
    pub payload: Vec<u8>,
}

pub(super) struct PersonRowWrite {
    pub id: Uuid,
    pub expected: i64,
    pub sequence: i64,
    /// When the state became known; `None` leaves it as it was.
    pub since: Option<i64>,
    pub payload: Vec<u8>,
}

/// A version that is over.
pub(super) struct VersionWrite {
    pub person: Uuid,
    pub sequence: i64,
    pub payload: Vec<u8>,
}

pub(super) struct QuestionWrite {
    pub persons: (Uuid, Uuid),
    pub doubt: &'static str,
    pub weight: i32,
    pub since: String,
}

pub(super) struct RulingWrite {
    pub id: Uuid,
    pub persons: (Uuid, Uuid),
    pub one: bool,
    pub at: String,
    pub undone_at: Option<String>,
    pub payload: Vec<u8>,
    pub claims: Vec<(i64, i64)>,
}

pub(super) struct RejectWrite {
    pub number: i64,
    pub line: i64,
    pub byte: i64,
    pub stage: &'static str,
    pub code: String,
    pub field: Option<String>,
    pub detail: String,
    pub original: Vec<u8>,
}

pub(super) struct EventWrite {
    pub id: Uuid,
    pub person: Uuid,
    pub sequence: i64,
    pub kind: &'static str,
    pub routing_key: String,
    pub payload: Vec<u8>,
}

impl Batch {
    pub(super) fn new(codec: &Codec, commit: &Commit) -> Self {
        let claims = commit.statements.iter().map(|s| claim(codec, s));
        let (inserted, rewritten) = claims.partition(|claim: &ClaimWrite| claim.id == 0);
        let at = nanoseconds(commit.at);
        let persons = |created: bool| -> Vec<PersonRowWrite> {
            let wanted = commit.persons.iter();
            let wanted = wanted.filter(|person| person.expected.is_none() == created);
            let mut rows: Vec<_> = wanted.map(|p| person(codec, p, at)).collect();
            rows.sort_by_key(|row| row.id);
            rows
        };
        let keys = commit.keys.iter();
        let mut keys: Vec<_> = keys.map(|(k, p)| (codec.key_index(k), p.0)).collect();
        keys.sort_unstable();
        keys.dedup();
        let created = persons(true);
        let first = |key: &(i64, Uuid)| created.binary_search_by_key(&key.1, |row| row.id).is_ok();
        let (first_keys, keys) = keys.into_iter().partition(first);
        let relied_on = commit.relied_on.iter();
        let mut relied_on: Vec<_> = relied_on.map(|(p, sequence)| (p.0, sequence.cast_signed())).collect();
        relied_on.sort_unstable();
        Self {
            run: commit.run.0,
            checkpoint: commit.checkpoint.cast_signed(),
            counts: counts(&commit.counts),
            inserted,
            rewritten,
            created,
            updated: persons(false),
            replaced: commit.persons.iter().filter_map(|p| version(codec, p, at)).collect(),
            at,
            relied_on,
            examined: commit.examined.iter().map(|person| person.0).collect(),
            questions: commit.questions.iter().map(question).collect(),
            ruling: commit.ruling.as_ref().map(|r| ruling(codec, r)),
            restored: commit.restored.iter().map(|person| person.0).collect(),
            mergers: commit.mergers.iter().map(|merger| (merger.absorbed.0, merger.into.0)).collect(),
            moved: commit.moved.iter().map(|(claim, person)| (*claim, person.0)).collect(),
            keys,
            first_keys,
            rejects: commit.rejects.iter().map(|r| reject(codec, commit.run.0, r)).collect(),
            events: commit.events.iter().map(|e| event(codec, e)).collect(),
        }
    }
}

/// What [`Batch::new`] made, as the port hands it back.
pub(super) fn of(ready: &Ready) -> Result<Arc<Batch>, StoreError> {
    let batch = Arc::clone(ready).downcast::<Batch>();
    batch.map_err(|_| StoreError::Unreadable { context: "a commit another store made ready" })
}

/// In the order of the columns.
fn counts(counts: &Counts) -> [i64; 8] {
    [
        counts.records,
        counts.unchanged,
        counts.claims,
        counts.changed,
        counts.persons,
        counts.gone,
        counts.rejected,
        counts.events,
    ]
    .map(u64::cast_signed)
}

fn claim(codec: &Codec, statement: &Statement) -> ClaimWrite {
    let Statement { source, emitter, record_key, .. } = statement;
    let record = codec.record_index(source, emitter, record_key);
    ClaimWrite {
        id: statement.id.unwrap_or(0),
        source: source.clone(),
        emitter: emitter.clone(),
        record_key: record,
        record_hash: statement.record_hash.map(u64::cast_signed),
        person: statement.person.0,
        absent: statement.absent,
        payload: codec.seal_claim(record, statement),
    }
}

fn person(codec: &Codec, person: &PersonWrite, at: i64) -> PersonRowWrite {
    let known_from_now = person.expected.is_none() || person.replaced.is_some();
    PersonRowWrite {
        id: person.id.0,
        expected: person.expected.unwrap_or(0).cast_signed(),
        sequence: person.sequence.cast_signed(),
        since: known_from_now.then_some(at),
        payload: codec.seal_kept(person.id.0, &person.state),
    }
}

fn question(question: &Question) -> QuestionWrite {
    QuestionWrite {
        persons: (question.persons.0.0, question.persons.1.0),
        doubt: question.doubt.word(),
        weight: question.weight,
        since: instant(question.since),
    }
}

fn ruling(codec: &Codec, ruling: &Ruling) -> RulingWrite {
    let undone = ruling.undone.as_ref();
    let words = RulingWords {
        word: ruling.word.clone(),
        undone: undone.map(|(_, word)| word.clone()),
        absorbed: ruling.absorbed.clone(),
    };
    RulingWrite {
        id: ruling.id,
        persons: (ruling.persons.0.0, ruling.persons.1.0),
        one: ruling.one,
        at: instant(ruling.at),
        undone_at: undone.map(|(at, _)| instant(*at)),
        payload: codec.seal_ruling(ruling.id, &words),
        claims: ruling.claims.clone(),
    }
}

fn version(codec: &Codec, person: &PersonWrite, until: i64) -> Option<VersionWrite> {
    let (sequence, Replaced { state, by }) = (person.expected?.cast_signed(), person.replaced.as_ref()?);
    let row = Row::Version(person.id.0, sequence, until);
    Some(VersionWrite { person: person.id.0, sequence, payload: codec.seal_version(row, state, by) })
}

fn reject(codec: &Codec, run: Uuid, reject: &Reject) -> RejectWrite {
    let [number, line, byte] =
        [reject.position.number, reject.position.line, reject.position.byte].map(u64::cast_signed);
    RejectWrite {
        number,
        line,
        byte,
        stage: reject.stage.word(),
        code: reject.code.to_string(),
        field: reject.field.clone(),
        detail: reject.detail.clone(),
        original: codec.seal_text(Row::Reject(run, number, byte), &reject.original),
    }
}

fn event(codec: &Codec, event: &Event) -> EventWrite {
    EventWrite {
        id: event.id,
        person: event.person.0,
        sequence: event.sequence.cast_signed(),
        kind: event.kind,
        routing_key: event.routing_key.clone(),
        payload: codec.seal_text(Row::Event(event.id), event.json.as_bytes()),
    }
}

//! Stored rows, the same in both backends, and the domain values they become.

use std::collections::HashMap;

use hub_core::code::Code;
use hub_core::delivery::{Counts, Delivery, DeliveryId, Digest, PersonId, RunId, Status};
use hub_core::identity::Doubt;
use hub_core::record::Position;
use hub_core::reject::{Reject, Stage};
use hub_core::ruling::{Question, Ruling};
use hub_core::statement::Statement;
use hub_core::store::{JournalEvent, Kept, KnownPerson, Run, StoreError, Version};
use sqlx::FromRow;
use uuid::Uuid;

use super::codec::{Codec, Row, of_nanoseconds, read_instant};

#[derive(FromRow)]
pub(super) struct DeliveryRow {
    pub id: Uuid,
    pub source: String,
    pub digest: Vec<u8>,
    pub size_bytes: i64,
    pub filename: Option<String>,
    pub received_at: String,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let context = "a delivery";
        let digest = row.digest.try_into();
        Ok(Self {
            id: DeliveryId(row.id),
            source: row.source,
            digest: Digest(digest.map_err(|_| StoreError::Unreadable { context })?),
            size_bytes: row.size_bytes.cast_unsigned(),
            filename: row.filename,
            received_at: read_instant(&row.received_at, context)?,
        })
    }
}

#[derive(FromRow)]
pub(super) struct QuestionRow {
    pub one_id: Uuid,
    pub other_id: Uuid,
    pub doubt: String,
    pub weight: i32,
    pub since: String,
}

impl TryFrom<QuestionRow> for Question {
    type Error = StoreError;

    fn try_from(row: QuestionRow) -> Result<Self, StoreError> {
        let context = "a question";
        let doubt = Doubt::ALL.into_iter().find(|doubt| doubt.word() == row.doubt);
        Ok(Self {
            persons: (PersonId(row.one_id), PersonId(row.other_id)),
            doubt: doubt.ok_or(StoreError::Unreadable { context })?,
            weight: row.weight,
            since: read_instant(&row.since, context)?,
        })
    }
}

#[derive(FromRow)]
pub(super) struct RulingRow {
    pub id: Uuid,
    pub one_id: Uuid,
    pub other_id: Uuid,
    pub one: bool,
    pub at: String,
    pub undone_at: Option<String>,
    pub payload: Vec<u8>,
}

impl RulingRow {
    /// `claims` are the pairs it is about.
    pub fn read(self, codec: &Codec, claims: Vec<(i64, i64)>) -> Result<Ruling, StoreError> {
        let context = "a ruling";
        let words = codec.open_ruling(self.id, &self.payload)?;
        let undone_at = self.undone_at.map(|at| read_instant(&at, context)).transpose()?;
        Ok(Ruling {
            id: self.id,
            persons: (PersonId(self.one_id), PersonId(self.other_id)),
            one: self.one,
            claims,
            at: read_instant(&self.at, context)?,
            word: words.word,
            absorbed: words.absorbed,
            undone: undone_at.zip(words.undone),
        })
    }
}

#[derive(FromRow)]
pub(super) struct RunRow {
    pub id: Uuid,
    pub delivery_id: Uuid,
    pub source: String,
    pub mapping: String,
    pub started_at: String,
    pub ended_at: Option<String>,
    pub status: String,
    pub checkpoint: i64,
    pub created: String,
    pub emitter: String,
    pub snapshot: bool,
    pub first_load: bool,
    pub flow: String,
    pub fingerprint: i64,
    pub warnings: String,
    #[sqlx(flatten)]
    pub counts: CountsRow,
}

#[derive(FromRow)]
pub(super) struct CountsRow {
    pub records: i64,
    pub unchanged: i64,
    pub claims: i64,
    pub changed: i64,
    pub persons: i64,
    pub gone: i64,
    pub rejected: i64,
    pub events: i64,
}

impl From<CountsRow> for Counts {
    fn from(row: CountsRow) -> Self {
        Self {
            records: row.records.cast_unsigned(),
            unchanged: row.unchanged.cast_unsigned(),
            claims: row.claims.cast_unsigned(),
            changed: row.changed.cast_unsigned(),
            persons: row.persons.cast_unsigned(),
            gone: row.gone.cast_unsigned(),
            rejected: row.rejected.cast_unsigned(),
            events: row.events.cast_unsigned(),
        }
    }
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        let context = "a run";
        let unreadable = || StoreError::Unreadable { context };
        let ended_at = row.ended_at.as_deref();
        Ok(Self {
            id: RunId(row.id),
            delivery: DeliveryId(row.delivery_id),
            source: row.source,
            mapping: row.mapping,
            started_at: read_instant(&row.started_at, context)?,
            ended_at: ended_at.map(|at| read_instant(at, context)).transpose()?,
            status: status(&row.status).ok_or_else(unreadable)?,
            checkpoint: row.checkpoint.cast_unsigned(),
            counts: row.counts.into(),
            warnings: serde_json::from_str(&row.warnings).map_err(|_| unreadable())?,
            created: row.created,
            emitter: row.emitter,
            snapshot: row.snapshot,
            first_load: row.first_load,
            flow: row.flow,
            fingerprint: row.fingerprint.cast_unsigned(),
        })
    }
}

fn status(word: &str) -> Option<Status> {
    let all = [
        Status::Running,
        Status::Done,
        Status::DoneWithRejects,
        Status::Held,
        Status::Halted,
        Status::AlreadyReceived,
    ];
    all.into_iter().find(|status| status.word() == word)
}

#[derive(FromRow)]
pub(super) struct StatementRow {
    pub id: i64,
    pub source: String,
    pub emitter: String,
    pub record_key: i64,
    pub record_hash: Option<i64>,
    pub person_id: Uuid,
    pub absent: bool,
    pub run_id: Uuid,
    pub payload: Vec<u8>,
}

impl StatementRow {
    pub(super) fn read(self, codec: &Codec) -> Result<Statement, StoreError> {
        let opened = codec.open_claim(self.record_key, &self.payload)?;
        Ok(Statement {
            id: Some(self.id),
            person: PersonId(self.person_id),
            source: self.source.into(),
            emitter: self.emitter.into(),
            record_key: opened.record_key,
            key: opened.key,
            record_hash: self.record_hash.map(i64::cast_unsigned),
            absent: self.absent,
            run: RunId(self.run_id),
            stated: opened.stated,
        })
    }
}

/// Reads claims in the order they came.
pub(super) fn statements(codec: &Codec, rows: Vec<StatementRow>) -> Result<Vec<Statement>, StoreError> {
    rows.into_iter().map(|row| row.read(codec)).collect()
}

#[derive(FromRow)]
pub(super) struct PersonRow {
    pub id: Uuid,
    pub sequence: i64,
    pub payload: Vec<u8>,
    pub into_id: Option<Uuid>,
}

/// Joins persons with their claims.
pub(super) fn persons(
    codec: &Codec,
    persons: Vec<PersonRow>,
    claims: Vec<StatementRow>,
) -> Result<Vec<KnownPerson>, StoreError> {
    let mut linked: HashMap<Uuid, Vec<Statement>> = HashMap::with_capacity(persons.len());
    for row in claims {
        linked.entry(row.person_id).or_default().push(row.read(codec)?);
    }
    persons
        .into_iter()
        .map(|row| {
            let statements = linked.remove(&row.id).unwrap_or_default();
            row.read(codec, statements)
        })
        .collect()
}

impl PersonRow {
    fn read(self, codec: &Codec, statements: Vec<Statement>) -> Result<KnownPerson, StoreError> {
        let kept = codec.open_kept(self.id, &self.payload)?;
        let in_claim = kept == Kept::InClaim;
        let state = kept.read(&statements);
        Ok(KnownPerson {
            id: PersonId(self.id),
            sequence: self.sequence.cast_unsigned(),
            state: state.ok_or(StoreError::Unreadable { context: "a person kept in one claim" })?,
            in_claim,
            statements,
            merged_into: self.into_id.map(PersonId),
        })
    }
}

#[derive(FromRow)]
pub(super) struct VersionRow {
    pub person_id: Uuid,
    pub sequence: i64,
    pub since_ns: Option<i64>,
    pub until_ns: i64,
    pub payload: Vec<u8>,
}

/// The versions of persons: those that are over, in order, and what is known now, since when.
pub(super) fn histories(
    codec: &Codec,
    over: Vec<VersionRow>,
    (now, since): (Vec<KnownPerson>, Vec<(Uuid, Option<i64>)>),
) -> Result<Vec<(PersonId, Vec<Version>)>, StoreError> {
    let mut versions: HashMap<Uuid, Vec<Version>> = HashMap::with_capacity(now.len());
    for row in over {
        let person = row.person_id;
        versions.entry(person).or_default().push(row.read(codec)?);
    }
    let since: HashMap<Uuid, Option<i64>> = since.into_iter().collect();
    let whole = |person: KnownPerson| {
        let from = began(since.get(&person.id.0).copied().flatten())?;
        let mut all = versions.remove(&person.id.0).unwrap_or_default();
        all.push(Version { sequence: person.sequence, from, state: person.state, end: None });
        Ok((person.id, all))
    };
    now.into_iter().map(whole).collect()
}

fn began(since: Option<i64>) -> Result<Option<jiff::Timestamp>, StoreError> {
    since.map(|since| of_nanoseconds(since, "a version of a person")).transpose()
}

impl VersionRow {
    fn read(self, codec: &Codec) -> Result<Version, StoreError> {
        let row = Row::Version(self.person_id, self.sequence, self.until_ns);
        let (state, by) = codec.open_version(row, &self.payload)?;
        let until = of_nanoseconds(self.until_ns, "a version of a person")?;
        let sequence = self.sequence.cast_unsigned();
        Ok(Version { sequence, from: began(self.since_ns)?, state, end: Some((until, by)) })
    }
}

#[derive(FromRow)]
pub(super) struct RejectRow {
    pub number: i64,
    pub line: i64,
    pub byte: i64,
    pub stage: String,
    pub code: String,
    pub field: Option<String>,
    pub detail: String,
    pub original: Vec<u8>,
}

impl RejectRow {
    pub(super) fn read(self, codec: &Codec, run: Uuid) -> Result<Reject, StoreError> {
        let context = "a reject";
        let unreadable = || StoreError::Unreadable { context };
        let row = Row::Reject(run, self.number, self.byte);
        let stages = [Stage::Decode, Stage::Map];
        let stage = stages.into_iter().find(|stage| stage.word() == self.stage);
        Ok(Reject {
            position: Position {
                number: self.number.cast_unsigned(),
                line: self.line.cast_unsigned(),
                byte: self.byte.cast_unsigned(),
            },
            stage: stage.ok_or_else(unreadable)?,
            code: self.code.parse::<Code>().map_err(|_| unreadable())?,
            field: self.field,
            detail: self.detail,
            original: codec.open_text(row, &self.original, context)?,
        })
    }
}

#[derive(FromRow)]
pub(super) struct EventRow {
    pub cursor: i64,
    pub id: Uuid,
    pub person_id: Uuid,
    pub sequence: i64,
    pub routing_key: String,
    pub payload: Vec<u8>,
}

impl EventRow {
    pub(super) fn read(self, codec: &Codec) -> Result<JournalEvent, StoreError> {
        let context = "an event";
        let json = String::from_utf8(codec.open_text(Row::Event(self.id), &self.payload, context)?);
        Ok(JournalEvent {
            cursor: self.cursor.cast_unsigned(),
            person: PersonId(self.person_id),
            id: self.id,
            sequence: self.sequence.cast_unsigned(),
            routing_key: self.routing_key,
            json: json.map_err(|_| StoreError::Unreadable { context })?,
        })
    }
}

//! Statements on single rows, word for word the same in both backends.

pub(super) const READ_MARK: &str = "select value from store_meta where key = 'seal'";
pub(super) const WRITE_MARK: &str =
    "insert into store_meta (key, value) values ('seal', $1) on conflict (key) do nothing";
pub(super) const WRITE_TABLE: &str =
    "insert into store_meta (key, value) values ($1, $2) on conflict (key) do nothing";
pub(super) const READ_TABLES: &str =
    "select key, value from store_meta where substr(key, 1, length($1)) = $1";
pub(super) const REGISTER: &str = "
insert into delivery (id, source, digest, size_bytes, filename, received_at) values ($1, $2, $3, $4, $5, $6)
on conflict (source, digest) do nothing";
pub(super) const REGISTERED: &str = "
select id from delivery where source = $1 and digest = $2";
pub(super) const DELIVERY: &str = "
select id, source, digest, size_bytes, filename, received_at from delivery where id = $1";
pub(super) const DELIVERY_BY_DIGEST: &str = "
select id, source, digest, size_bytes, filename, received_at from delivery where source = $1 and digest = $2";
pub(super) const DELIVERIES: &str = "
select id, source, digest, size_bytes, filename, received_at from delivery
order by received_at desc, id desc limit $1";
pub(super) const LAST_ARRIVAL: &str = "select max(received_at) from delivery where source = $1";
/// Those no run has ended with: never run, or interrupted, also after having been held.
pub(super) const PENDING: &str = "
select id, source, digest, size_bytes, filename, received_at from delivery
where id in (select id from delivery where waits union select delivery_id from run where status in ('running', 'halted'))
  and not exists (select 1 from run where delivery_id = delivery.id and status in ('done', 'done_with_rejects'))
  and not exists (
    select 1 from run as held where held.delivery_id = delivery.id and held.status = 'held' and not exists (
      select 1 from run as later where later.delivery_id = held.delivery_id and later.started_at > held.started_at))
order by received_at, id limit $1";
pub(super) const NOTE: &str = "select value, version from ledger where book = $1 and entry = $2";
pub(super) const NOTES: &str = "
select entry, value, version from ledger where book = $1 and entry > $2 order by entry limit $3";
pub(super) const FIRST_NOTE: &str = "
insert into ledger (book, entry, value, version) values ($1, $2, $3, 1) on conflict (book, entry) do nothing";
pub(super) const NEXT_NOTE: &str = "
update ledger set value = $3, version = version + 1 where book = $1 and entry = $2 and version = $4";
pub(super) const ERASE_NOTE: &str = "delete from ledger where book = $1 and entry = $2";
pub(super) const BEGIN: &str = "
insert into run (id, delivery_id, source, mapping, started_at, ended_at, status, checkpoint, created, emitter, warnings,
  snapshot, first_load, flow, fingerprint, records, unchanged, claims, changed, persons, gone, rejected, events)
values ($1, $2, $3, $4, $5, null, 'running', 0, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, 0, 0, 0, 0)";
pub(super) const HALT: &str = "update run set status = 'halted', ended_at = $1 where status in ('running', 'halted') and status = 'running'";
pub(super) const CLOSE: &str = "update run set status = $2, warnings = $3, ended_at = $4 where id = $1";
pub(super) const RUN: &str = "
select id, delivery_id, source, mapping, started_at, ended_at, status, checkpoint, created, emitter, warnings,
  snapshot, first_load, flow, fingerprint, records, unchanged, claims, changed, persons, gone, rejected, events
from run where id = $1";
pub(super) const RUNS: &str = "
select id, delivery_id, source, mapping, started_at, ended_at, status, checkpoint, created, emitter, warnings,
  snapshot, first_load, flow, fingerprint, records, unchanged, claims, changed, persons, gone, rejected, events
from run order by started_at desc, id desc limit $1";
pub(super) const RUNS_OF: &str = "
select id, delivery_id, source, mapping, started_at, ended_at, status, checkpoint, created, emitter, warnings,
  snapshot, first_load, flow, fingerprint, records, unchanged, claims, changed, persons, gone, rejected, events
from run where delivery_id = $1 order by started_at desc, id desc";
pub(super) const RUNS_IN_FLOW: &str = "
select id, delivery_id, source, mapping, started_at, ended_at, status, checkpoint, created, emitter, warnings,
  snapshot, first_load, flow, fingerprint, records, unchanged, claims, changed, persons, gone, rejected, events
from run where source = $1 and flow = $2 and emitter = $3 order by started_at desc, id desc limit $4";
pub(super) const LATEST_SNAPSHOT: &str = "
select id from run where source = $1 and flow = $2 and emitter = $3 and snapshot and status in ('done', 'done_with_rejects') order by started_at desc, id desc limit 1";
pub(super) const CHECKPOINT: &str = "
update run set checkpoint = $2, records = records + $3, unchanged = unchanged + $4, claims = claims + $5,
  changed = changed + $6, persons = persons + $7, gone = gone + $8, rejected = rejected + $9, events = events + $10
where id = $1 and checkpoint = $2 - 1";
pub(super) const REJECTS: &str = "
select number, line, byte, stage, code, field, detail, original from reject where run_id = $1 and number > $2
order by number, byte limit $3";
pub(super) const EVENTS: &str = "
select cursor, id, person_id, sequence, routing_key, payload from event where cursor > $1 order by cursor limit $2";
pub(super) const PEOPLE: &str = "
select id from person where id > $1 and not exists (select 1 from merged where merged.person_id = person.id)
order by id limit $2";
pub(super) const QUESTIONS: &str =
    "select one_id, other_id, doubt, weight, since from question order by since, one_id, other_id limit $1";
pub(super) const COUNT_QUESTIONS: &str = "select count(*) from question";
pub(super) const RULE: &str = "
insert into ruling (id, one_id, other_id, one, at, undone_at, payload) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do update set undone_at = excluded.undone_at, payload = excluded.payload where ruling.undone_at is null";
pub(super) const RULE_CLAIM: &str = "
insert into ruling_claim (ruling_id, one_claim, other_claim) values ($1, $2, $3) on conflict do nothing";
pub(super) const RULINGS: &str = "
select id, one_id, other_id, one, at, undone_at, payload from ruling order by at desc, id desc limit $1";
pub(super) const RULING: &str =
    "select id, one_id, other_id, one, at, undone_at, payload from ruling where id = $1";
pub(super) const RULING_CLAIMS: &str =
    "select one_claim, other_claim from ruling_claim where ruling_id = $1 order by one_claim, other_claim";
pub(super) const RESTORE: &str = "delete from merged where person_id = $1";
pub(super) const FOLLOWING: &str = "select place from following where profile = $1";
pub(super) const BEGIN_TO_FOLLOW: &str = "
insert into following (profile, place) values ($1, $2) on conflict (profile) do nothing returning id";
pub(super) const MOVE_ON: &str =
    "update following set place = $2 where profile = $1 and place = $3 returning id";
/// One profile's alone, so that its index gives them in order.
pub(super) const TOLD: &str = "
select position, cast($1 as text) as profile, subscriber, subject, id, routing_key, payload
from told where following_id = (select id from following where profile = $1) and position > $2 order by position limit $3";
pub(super) const TOLD_PEOPLE: &str = "
select person_id, version, declared, sequence, seen_in from told_of
where following_id = (select id from following where profile = $1) and person_id > $2 order by person_id limit $3";
pub(super) const TOLD_END: &str = "
select coalesce((select position from told where following_id = (select id from following where profile = $1)
  order by position desc limit 1), 0)";
pub(super) const TOLD_WAITING: &str = "select count(*) from told_outbox";
pub(super) const JOURNAL_END: &str = "select coalesce(max(cursor), 0) from event";
pub(super) const WAITING: &str = "select count(*) from outbox";
pub(super) const SIZES: &str = "select (select count(*) from person) - (select count(*) from merged), (select count(*) from claim), (select count(*) from event)";
/// Whether nobody was ever written.
pub(super) const EMPTY: &str =
    "select not exists (select 1 from claim) and not exists (select 1 from person)";

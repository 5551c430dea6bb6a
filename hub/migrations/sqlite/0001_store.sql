-- The hub's facts. Personal payloads are sealed, look-up keys are keyed hashes; instants are RFC 3339 text of one width.
-- claim.person_id and event.person_id carry no foreign key: only a commit writes them, once it holds the run's row.
create table store_meta (key text primary key, value blob not null);
create table delivery (
  id blob primary key, source text not null, digest blob not null, size_bytes integer not null, filename text,
  received_at text not null, unique (source, digest));
create table run (
  id blob primary key, delivery_id blob not null references delivery (id), source text not null, mapping text not null,
  started_at text not null, ended_at text, status text not null, checkpoint integer not null, created text not null,
  records integer not null, unchanged integer not null, claims integer not null, changed integer not null,
  persons integer not null, gone integer not null, rejected integer not null, events integer not null, warnings text not null);
create index run_delivery on run (delivery_id);
create table claim (
  id integer primary key, source text not null, emitter text not null,
  record_key integer not null, record_hash integer, person_id blob not null, absent boolean not null, run_id blob not null,
  payload blob not null);
create index claim_record_hash on claim (record_hash);
create index claim_record_key on claim (record_key);
create index claim_person on claim (person_id);
create table person (id blob primary key, sequence integer not null, payload blob not null);
create table identity_key (key integer not null, person_id blob not null, primary key (key, person_id)) without rowid;
create table reject (
  run_id blob not null references run (id), number integer not null, line integer not null, byte integer not null,
  stage text not null, code text not null, field text, detail text not null, original blob not null,
  primary key (run_id, number, byte));
create table event (
  cursor integer primary key autoincrement, id blob not null unique, person_id blob not null, sequence integer not null,
  kind text not null, routing_key text not null, payload blob not null);
create table outbox (cursor integer primary key references event (cursor));

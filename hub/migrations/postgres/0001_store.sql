-- The hub's facts. Personal payloads are sealed, look-up keys are keyed hashes; instants are RFC 3339 text of one width.
-- claim.person_id and event.person_id carry no foreign key: only a commit writes them, once it holds the run's row.
create table store_meta (key text primary key, value bytea not null);
create table delivery (
  id uuid primary key, source text not null, digest bytea not null, size_bytes bigint not null, filename text,
  received_at text not null, unique (source, digest));
create table run (
  id uuid primary key, delivery_id uuid not null references delivery (id), source text not null, mapping text not null,
  started_at text not null, ended_at text, status text not null, checkpoint bigint not null, created text not null,
  records bigint not null, unchanged bigint not null, claims bigint not null, changed bigint not null,
  persons bigint not null, gone bigint not null, rejected bigint not null, events bigint not null, warnings text not null);
create index run_delivery on run (delivery_id);
create table claim (
  id bigint generated always as identity primary key, source text not null, emitter text not null,
  record_key bigint not null, record_hash bigint, person_id uuid not null, absent boolean not null, run_id uuid not null,
  payload bytea not null);
create index claim_record_hash on claim (record_hash);
create index claim_record_key on claim (record_key);
create index claim_person on claim (person_id);
create table person (id uuid primary key, sequence bigint not null, payload bytea not null);
create table identity_key (key bigint not null, person_id uuid not null, primary key (key, person_id));
create table reject (
  run_id uuid not null references run (id), number bigint not null, line bigint not null, byte bigint not null,
  stage text not null, code text not null, field text, detail text not null, original bytea not null,
  primary key (run_id, number, byte));
create table event (
  cursor bigserial primary key, id uuid not null unique, person_id uuid not null, sequence bigint not null,
  kind text not null, routing_key text not null, payload bytea not null);
create table outbox (cursor bigint primary key references event (cursor));

-- What profiles are told: where each stands in the journal, what it knows of whom, the events it was given and those that wait for
-- the broker.
create table following (id bigint generated always as identity primary key, profile text not null unique, place text not null);
create table told_of (
  following_id bigint not null, person_id uuid not null, version bigint not null, declared bigint not null,
  sequence bigint not null, seen_in text, primary key (following_id, person_id));
create table told (
  position bigint generated always as identity primary key, following_id bigint not null, subscriber text, person_id uuid not null,
  subject uuid not null, id uuid not null, sequence bigint not null, routing_key text not null, payload bytea not null);
alter table told alter column payload set storage external;
create index told_following on told (following_id, position);
create table told_outbox (position bigint primary key);

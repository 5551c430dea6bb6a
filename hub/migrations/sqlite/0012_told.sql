-- What profiles are told: where each stands in the journal, what it knows of whom, the events it was given and those that wait for
-- the broker.
create table following (id integer primary key, profile text not null unique, place text not null);
create table told_of (
  following_id integer not null, person_id blob not null, version integer not null, declared integer not null,
  sequence integer not null, seen_in text, primary key (following_id, person_id)) without rowid;
create table told (
  position integer primary key autoincrement, following_id integer not null, subscriber text, person_id blob not null,
  subject blob not null, id blob not null, sequence integer not null, routing_key text not null, payload blob not null);
create index told_following on told (following_id, position);
create table told_outbox (position integer primary key);

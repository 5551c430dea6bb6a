-- What was known of a person before something else was. A row appears when a state is replaced: it is written whole, with since
-- when (null: it was there before versions were kept) and until when it held, and what replaced it.
alter table person add column since_ns bigint;
create table history (
  id bigint generated always as identity primary key, person_id uuid not null, sequence bigint not null, since_ns bigint,
  until_ns bigint not null, payload bytea not null);
alter table history alter column payload set storage external;
alter table history set (toast_tuple_target = 4080);
create index history_person on history (person_id);

-- What was known of a person before something else was. A row appears when a state is replaced: it is written whole, with since
-- when (null: it was there before versions were kept) and until when it held, and what replaced it.
alter table person add column since_ns integer;
create table history (
  id integer primary key, person_id blob not null, sequence integer not null, since_ns integer, until_ns integer not null,
  payload blob not null);
create index history_person on history (person_id);

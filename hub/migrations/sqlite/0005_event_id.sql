-- Only a commit writes the outbox, from the cursors it has just been given: a foreign key would look each one up again.
create table waiting (cursor integer primary key);
insert into waiting select cursor from outbox;
drop table outbox;
alter table waiting rename to outbox;
-- A commit checks each person's sequence, and an event's id is a function of both: a second index would check it again.
create table journal (
  cursor integer primary key autoincrement, id blob not null, person_id blob not null, sequence integer not null,
  kind text not null, routing_key text not null, payload blob not null);
insert into journal select cursor, id, person_id, sequence, kind, routing_key, payload from event;
drop table event;
alter table journal rename to event;

-- Who does what only one may do at a time (publishing the outbox), until when by the database's clock, in Unix milliseconds.
create table lease (name text primary key, holder blob not null, until_ms integer not null);

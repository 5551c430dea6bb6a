-- What a run took its delivery for: all an emitter has, or changes; a first load told by one event, or persons told one by one.
alter table run add column snapshot boolean not null default 0;
alter table run add column first_load boolean not null default 0;

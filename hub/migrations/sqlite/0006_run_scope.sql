-- What a run took its delivery for: all an emitter has, or changes; a first load told by one event, or persons told one by one; the
-- flow inside which deliveries are in order, by whichever mapping they are read; and the mapping's very content.
alter table run add column snapshot boolean not null default 0;
alter table run add column first_load boolean not null default 0;
alter table run add column flow text not null default '';
alter table run add column fingerprint integer not null default 0;
update run set flow = substr(mapping, 1, instr(mapping || '@', '@') - 1);

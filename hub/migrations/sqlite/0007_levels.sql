-- Look-up keys come in no order: in one sorted table each new key rewrites a page of its own. They enter a small table instead,
-- which is poured in order into a larger one when it is full, and that one into the last.
create table identity_key_recent (key integer not null, person_id blob not null, primary key (key, person_id)) without rowid;
create table identity_key_fresh (key integer not null, person_id blob not null, primary key (key, person_id)) without rowid;
-- What a claim is found by: the hash of the frame that stated it, and the hash of its record.
create table claim_key (key integer not null, claim integer not null, primary key (key, claim)) without rowid;
create table claim_key_recent (key integer not null, claim integer not null, primary key (key, claim)) without rowid;
create table claim_key_fresh (key integer not null, claim integer not null, primary key (key, claim)) without rowid;
insert into claim_key
select record_hash, id from claim where record_hash is not null union select record_key, id from claim order by 1, 2;
drop index claim_record_hash;
drop index claim_record_key;

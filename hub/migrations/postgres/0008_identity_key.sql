-- Who bears a key stands in the table alone: half the index, and no look-up of a pair that cannot be there yet.
alter table identity_key drop constraint identity_key_pkey;
create index identity_key_key on identity_key (key);

-- Who is known is moved on with each event: room in its page spares a new entry in the index.
alter table told_of set (fillfactor = 50);

-- The hub's own notes by book and entry: decisions on deliveries, where pulls stand, keys of uploads. No value of a person.
create table ledger (
  book text not null, entry text not null, value text not null, version integer not null, primary key (book, entry)) without rowid;

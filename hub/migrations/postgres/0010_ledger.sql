-- The hub's own notes by book and entry: decisions on deliveries, where pulls stand, keys of uploads. No value of a person.
create table ledger (
  book text not null, entry text collate "C" not null, value text not null, version bigint not null, primary key (book, entry));

-- What is asked about who is who, and what a person has ruled. A ruling is about claims; its words are sealed.
create table question (
  one_id blob not null,
  other_id blob not null,
  doubt text not null,
  weight integer not null,
  since text not null,
  primary key (one_id, other_id)
) without rowid;
create index question_other on question (other_id);
create table ruling (
  id blob primary key,
  one_id blob not null,
  other_id blob not null,
  one boolean not null,
  at text not null,
  undone_at text,
  payload blob not null
) without rowid;
create table ruling_claim (
  ruling_id blob not null,
  one_claim integer not null,
  other_claim integer not null,
  primary key (one_claim, other_claim, ruling_id)
) without rowid;
create index ruling_claim_other on ruling_claim (other_claim);

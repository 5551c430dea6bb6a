-- What is asked about who is who, and what a person has ruled. A ruling is about claims; its words are sealed.
create table question (
  one_id uuid not null,
  other_id uuid not null,
  doubt text not null,
  weight integer not null,
  since text not null,
  primary key (one_id, other_id)
);
create index question_other on question (other_id);
create table ruling (
  id uuid primary key,
  one_id uuid not null,
  other_id uuid not null,
  one boolean not null,
  at text not null,
  undone_at text,
  payload bytea not null
);
create table ruling_claim (
  ruling_id uuid not null,
  one_claim bigint not null,
  other_claim bigint not null,
  primary key (one_claim, other_claim, ruling_id)
);
create index ruling_claim_other on ruling_claim (other_claim);

-- Persons found to be other ones. Look-up keys stay with the person they were written for and are followed through here.
create table merged (person_id uuid primary key, into_id uuid not null);
create index merged_into on merged (into_id);

-- Whose delivery a run took in: deliveries are in order inside one emitter only.
alter table run add column emitter text not null default '';

-- Which deliveries no run has ended with, found without looking at all there ever were; and runs by their flow.
alter table delivery add column waits boolean not null default 1;
update delivery set waits = 0 where exists (
  select 1 from run where delivery_id = delivery.id and status in ('done', 'done_with_rejects', 'held'));
create index delivery_waits on delivery (received_at, id) where waits;
create index delivery_received on delivery (source, received_at);
create index run_open on run (delivery_id) where status in ('running', 'halted');
create index run_flow on run (source, flow, emitter, started_at, id);

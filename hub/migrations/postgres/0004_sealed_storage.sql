-- Sealed bytes do not compress: PostgreSQL is told not to try, and to keep them in the row as long as two fit a page.
alter table claim alter column payload set storage external;
alter table person alter column payload set storage external;
alter table event alter column payload set storage external;
alter table reject alter column original set storage external;
alter table claim set (toast_tuple_target = 4080);
alter table person set (toast_tuple_target = 4080);
alter table event set (toast_tuple_target = 4080);

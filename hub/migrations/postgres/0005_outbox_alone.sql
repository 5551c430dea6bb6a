-- Only a commit writes the outbox, from the cursors it has just been given: a foreign key would look each one up again.
alter table outbox drop constraint outbox_cursor_fkey;

-- Deliveries, runs, claims, persons, events. Payloads are sealed; keys are keyed hashes.
CREATE TABLE delivery (
  id BLOB PRIMARY KEY, source TEXT NOT NULL, digest TEXT NOT NULL, size_bytes INTEGER NOT NULL, filename TEXT,
  received_at TEXT NOT NULL, UNIQUE (source, digest)
);
CREATE TABLE run (
  id BLOB PRIMARY KEY, delivery_id BLOB NOT NULL REFERENCES delivery (id), source TEXT NOT NULL, mapping TEXT NOT NULL,
  started_at TEXT NOT NULL, ended_at TEXT, status TEXT NOT NULL, checkpoint INTEGER NOT NULL, created TEXT NOT NULL,
  counts TEXT NOT NULL, warnings TEXT NOT NULL
);
CREATE INDEX run_by_delivery ON run (delivery_id);
CREATE TABLE person (id BLOB PRIMARY KEY, sequence INTEGER NOT NULL, payload BLOB NOT NULL);
CREATE TABLE claim (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, emitter TEXT NOT NULL, record_key INTEGER NOT NULL,
  record_hash INTEGER, person_id BLOB NOT NULL REFERENCES person (id) DEFERRABLE INITIALLY DEFERRED, absent INTEGER NOT NULL,
  run_id BLOB NOT NULL REFERENCES run (id), payload BLOB NOT NULL
);
CREATE INDEX claim_by_hash ON claim (record_hash);
CREATE INDEX claim_by_record ON claim (record_key);
CREATE INDEX claim_by_person ON claim (person_id);
CREATE TABLE identity_key (key INTEGER NOT NULL, person_id BLOB NOT NULL, PRIMARY KEY (key, person_id)) WITHOUT ROWID;
CREATE TABLE reject (
  run_id BLOB NOT NULL REFERENCES run (id), number INTEGER NOT NULL, line INTEGER NOT NULL, byte INTEGER NOT NULL,
  stage TEXT NOT NULL, code TEXT NOT NULL, field TEXT, detail TEXT NOT NULL, original BLOB NOT NULL, PRIMARY KEY (run_id, number)
);
CREATE TABLE event (
  cursor INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, person_id BLOB NOT NULL, sequence INTEGER NOT NULL,
  kind TEXT NOT NULL, routing_key TEXT NOT NULL, payload BLOB NOT NULL
);
CREATE TABLE outbox (cursor INTEGER PRIMARY KEY REFERENCES event (cursor));
CREATE TABLE store_meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);

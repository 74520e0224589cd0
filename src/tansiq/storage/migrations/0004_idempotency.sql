-- Requests that carried an Idempotency-Key: reserved before they act, completed with their answer.
CREATE TABLE idempotency (
    key      TEXT PRIMARY KEY,
    digest   BLOB NOT NULL,         -- SHA-256 of method, path, query and body
    entity   TEXT NOT NULL,         -- the id that a create must use, whoever runs it
    made     INTEGER NOT NULL,      -- microseconds UTC
    status   INTEGER,               -- NULL while the request runs, or when its node died running it
    answer   BLOB,
    location TEXT
) WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (made);

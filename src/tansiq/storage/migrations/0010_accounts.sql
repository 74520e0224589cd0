-- People, what they are logged in with, and tokens for programs that only read. Of what opens anything
-- a hash is kept: argon2id of passwords, SHA-256 of tokens, which have 256 random bits. Times are
-- microseconds UTC.
CREATE TABLE account (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    initials     TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL CHECK (role IN ('viewer', 'watch', 'admin')),
    password     TEXT NOT NULL,
    made         INTEGER NOT NULL,
    made_by      TEXT NOT NULL,
    password_set INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE session (
    id      TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    digest  BLOB NOT NULL UNIQUE,
    kind    TEXT NOT NULL CHECK (kind IN ('cookie', 'bearer')),
    address TEXT NOT NULL,
    made    INTEGER NOT NULL,
    seen    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX session_by_account ON session (account);

CREATE TABLE feed_token (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    digest  BLOB NOT NULL UNIQUE,
    scopes  TEXT NOT NULL,          -- separated by spaces
    made    INTEGER NOT NULL,
    made_by TEXT NOT NULL
) WITHOUT ROWID;

-- The one-time link of a node without accounts: one row at most.
CREATE TABLE first_start (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    digest BLOB NOT NULL,
    made   INTEGER NOT NULL
);

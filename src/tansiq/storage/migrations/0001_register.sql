-- The register: what everybody who plans here has placed. Times are microseconds UTC.
CREATE TABLE intent (
    id               TEXT PRIMARY KEY,
    manager          TEXT NOT NULL,
    state            TEXT NOT NULL,
    version          INTEGER NOT NULL,
    ovn              TEXT NOT NULL,
    uss_base_url     TEXT NOT NULL,
    subscription_id  TEXT,
    time_start       INTEGER NOT NULL,
    time_end         INTEGER NOT NULL,
    cover            BLOB NOT NULL      -- storage/cells.py: what stands in `cell` for it
) WITHOUT ROWID;

CREATE INDEX intent_by_subscription ON intent (subscription_id) WHERE subscription_id IS NOT NULL;

CREATE TABLE constraint_reference (
    id            TEXT PRIMARY KEY,
    manager       TEXT NOT NULL,
    version       INTEGER NOT NULL,
    ovn           TEXT NOT NULL,
    uss_base_url  TEXT NOT NULL,
    time_start    INTEGER NOT NULL,
    time_end      INTEGER NOT NULL,
    cover         BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE subscription (
    id                  TEXT PRIMARY KEY,
    manager             TEXT NOT NULL,
    version             TEXT NOT NULL,
    notification_index  INTEGER NOT NULL,
    uss_base_url        TEXT NOT NULL,
    for_intents         INTEGER NOT NULL,
    for_constraints     INTEGER NOT NULL,
    implicit            INTEGER NOT NULL,
    time_start          INTEGER NOT NULL,
    time_end            INTEGER NOT NULL,
    cover               BLOB NOT NULL
) WITHOUT ROWID;

-- Where and when things are: one row per entity and S2 cell, with the bounds of its volumes in that
-- cell. Level 13, or level 9 for what covers more than 200 cells. The key holds the whole row, so
-- that a search never leaves it, and begins with what lets it skip the past.
CREATE TABLE cell (
    kind           INTEGER NOT NULL,    -- 1 intent, 2 constraint, 3 subscription
    cell           INTEGER NOT NULL,    -- S2 id as a signed number
    time_end       INTEGER NOT NULL,
    entity         TEXT NOT NULL,
    time_start     INTEGER NOT NULL,
    altitude_low   REAL NOT NULL,
    altitude_high  REAL NOT NULL,
    PRIMARY KEY (kind, cell, time_end, entity)
) WITHOUT ROWID;

CREATE TABLE uss_availability (
    uss           TEXT PRIMARY KEY,
    availability  TEXT NOT NULL,
    version       TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE dss_report (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL,
    reporter  TEXT NOT NULL,
    received  INTEGER NOT NULL,
    body      BLOB NOT NULL
);

-- One row, written to see whether the disk still takes a commit.
CREATE TABLE store_probe (
    n  INTEGER NOT NULL
);

INSERT INTO store_probe (n) VALUES (0);

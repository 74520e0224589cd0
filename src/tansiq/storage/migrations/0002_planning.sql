-- Own plans. The user's id stays; the F3548 entity id is fresh for each attempt.
CREATE TABLE plan (
    id          TEXT PRIMARY KEY,
    intent_id   TEXT NOT NULL UNIQUE,
    phase       TEXT NOT NULL,
    callsign    TEXT NOT NULL,
    formation   TEXT NOT NULL,
    priority    INTEGER NOT NULL,
    time_start  INTEGER NOT NULL,   -- microseconds UTC
    time_end    INTEGER NOT NULL,
    placement   BLOB NOT NULL,      -- domain/placement.py as JSON
    verdict     BLOB,               -- why it is not coordinated: reason, blockers, alternatives
    updated     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX plan_by_phase ON plan (phase);

-- Volumes are kept once and named by number: a placement mentions the same ones many times.
CREATE TABLE volume_set (
    plan_id  TEXT NOT NULL,
    number   INTEGER NOT NULL,
    volumes  BLOB NOT NULL,         -- F3548 Volume4D array
    stated   BLOB NOT NULL,         -- altitudes as they were given
    PRIMARY KEY (plan_id, number)
) WITHOUT ROWID;

-- One record per (register, entity): what that register's holders see. Ours is what we serve at
-- /at/REGISTER; a peer's is what it last told us. OVN and volumes are never stored apart.
CREATE TABLE view (
    register  TEXT NOT NULL,
    entity    TEXT NOT NULL,
    kind      TEXT NOT NULL,        -- intent or constraint
    own       INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    time_end  INTEGER NOT NULL,
    document  BLOB NOT NULL,        -- F3548 OperationalIntent or Constraint, OVN included
    PRIMARY KEY (register, entity)
) WITHOUT ROWID;

-- Notifications owed to subscribers; deleted once answered 2xx.
CREATE TABLE notification (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    kind      TEXT NOT NULL,
    entity    TEXT NOT NULL,
    url       TEXT NOT NULL,        -- the subscriber's base URL
    body      BLOB NOT NULL,
    made      INTEGER NOT NULL,
    problem   TEXT
);

CREATE INDEX notification_by_entity ON notification (entity);

-- Own no-go areas: written to every register, resent until all hold them.
CREATE TABLE own_constraint (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    ending      INTEGER NOT NULL,
    time_start  INTEGER NOT NULL,
    time_end    INTEGER NOT NULL,
    volumes     BLOB NOT NULL,
    stated      BLOB NOT NULL,
    slots       BLOB NOT NULL,      -- per register: revision and OVN of the last direct 2xx
    updated     INTEGER NOT NULL
) WITHOUT ROWID;

-- Our standing subscription at each register, over the whole agreed area.
CREATE TABLE standing (
    register    TEXT PRIMARY KEY,
    id          TEXT NOT NULL,
    version     TEXT,
    time_start  INTEGER NOT NULL,
    time_end    INTEGER NOT NULL
) WITHOUT ROWID;

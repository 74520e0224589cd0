-- A file of its own: what was shown is large, and losing its last moments is bearable.
-- Times are microseconds UTC. Slices are told apart and ordered by number, not by time: a clock that
-- is set back must neither stop nor rewrite what is kept.
CREATE TABLE slice (
    number    INTEGER PRIMARY KEY,
    time      INTEGER NOT NULL,
    step      INTEGER NOT NULL,
    block     INTEGER NOT NULL,
    document  BLOB NOT NULL
);

-- All that a search by time asks for, so that it reads no documents.
CREATE INDEX slice_time ON slice (time, number, step);

-- Who the aircraft of a block of slices are: each slice adds those that are new in its block.
CREATE TABLE names (
    number    INTEGER PRIMARY KEY,
    block     INTEGER NOT NULL,
    document  BLOB NOT NULL
);

CREATE INDEX names_block ON names (block);

-- Plans and no-go areas, a row a version: so it was in all slices from first to last.
CREATE TABLE area (
    kind      TEXT NOT NULL,
    entity    TEXT NOT NULL,
    first     INTEGER NOT NULL,
    last      INTEGER,
    since     INTEGER NOT NULL,
    until     INTEGER,
    digest    BLOB NOT NULL,
    size      INTEGER NOT NULL,
    document  BLOB NOT NULL,
    PRIMARY KEY (kind, entity, first)
);

CREATE INDEX area_last ON area (last);

-- One row: how much there is, and the last number and block that were given out.
CREATE TABLE held (
    slices  INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    block   INTEGER NOT NULL
);

INSERT INTO held (slices, bytes, number, block) VALUES (0, 0, 0, 0);

CREATE TABLE store_probe (
    n  INTEGER NOT NULL
);

INSERT INTO store_probe (n) VALUES (0);

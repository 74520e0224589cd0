-- The record: an append-only Merkle log of all that was said (RFC 6962). Nothing is ever updated in
-- the entries and tiles, and nothing deleted; the head changes with each entry.

CREATE TABLE record_entry (
    seq   INTEGER PRIMARY KEY,      -- index of the leaf, from 0, without gaps
    time  INTEGER NOT NULL,         -- when it was appended here, microseconds UTC
    kind  TEXT NOT NULL,            -- for finding it again; the leaf does not hold it
    leaf  BLOB NOT NULL,            -- SHA-256(0x00, body)
    seal  BLOB NOT NULL,            -- over seq, time, kind and leaf: shows accidents, not forgers
    body  BLOB NOT NULL             -- canonical bytes, what the leaf is the hash of
);

CREATE INDEX record_entry_time ON record_entry (time, seq);

-- Full tiles of 256 hashes. Level 0 holds leaves; each hash above is the root of a full tile below.
CREATE TABLE record_tile (
    level   INTEGER NOT NULL,
    tile    INTEGER NOT NULL,       -- index within the level
    root    BLOB NOT NULL,          -- over the tile: its hash in the level above
    hashes  BLOB NOT NULL,          -- 256 of 32 bytes
    PRIMARY KEY (level, tile)
);

-- How many entries there are, and the hashes of the complete subtrees they make up, largest first.
CREATE TABLE record_head (
    only      INTEGER PRIMARY KEY CHECK (only = 1),
    size      INTEGER NOT NULL,
    frontier  BLOB NOT NULL
);

INSERT INTO record_head (only, size, frontier) VALUES (1, 0, X'');

-- Of each other log, the last checkpoint that we cosigned.
CREATE TABLE record_witnessed (
    origin      TEXT PRIMARY KEY,
    size        INTEGER NOT NULL,
    root        BLOB NOT NULL,
    checkpoint  BLOB NOT NULL,      -- signed by that log
    time        INTEGER NOT NULL    -- microseconds UTC
);

-- What another log has signed that cannot both be true, or that it could not prove.
CREATE TABLE record_evidence (
    seq     INTEGER PRIMARY KEY,
    origin  TEXT NOT NULL,
    kind    TEXT NOT NULL,          -- fork: two roots of one size; unproven: no way from held to given
    held    BLOB NOT NULL,          -- the signed checkpoint that we had cosigned
    given   BLOB NOT NULL,          -- the signed checkpoint that came
    time    INTEGER NOT NULL        -- microseconds UTC
);

-- What others cosigned of ours.
CREATE TABLE record_cosignature (
    witness     TEXT NOT NULL,
    size        INTEGER NOT NULL,
    checkpoint  BLOB NOT NULL,      -- signed by us
    line        TEXT NOT NULL,      -- the cosignature, one signature line
    time        INTEGER NOT NULL,   -- by the witness's clock, seconds since 1970
    PRIMARY KEY (witness, size)
);

CREATE INDEX record_cosignature_size ON record_cosignature (size);

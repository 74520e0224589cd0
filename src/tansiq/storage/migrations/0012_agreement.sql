-- The versions of the agreement under which this store was used, in order; the last is in force.
CREATE TABLE agreement (
    seq     BIGINT NOT NULL PRIMARY KEY,
    digest  TEXT   NOT NULL,
    since   BIGINT NOT NULL,   -- microseconds UTC
    file    BLOB   NOT NULL
);

-- Registers that count anew and may lack what was placed without them. One without a row is full.
CREATE TABLE register_lacking (
    register TEXT NOT NULL PRIMARY KEY,
    ids      TEXT              -- JSON array; NULL: not looked at yet
);

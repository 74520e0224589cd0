-- The pool that this store is: its name, its instances, and which process does what is to be done
-- once. Times are microseconds UTC.
CREATE TABLE pool (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    dar_id  TEXT NOT NULL
);

CREATE TABLE pool_instance (
    id        TEXT PRIMARY KEY,
    endpoint  TEXT NOT NULL,
    parties   TEXT NOT NULL         -- JSON: each party that signs for itself there, and its key
) WITHOUT ROWID;

CREATE TABLE lease (
    name    TEXT PRIMARY KEY,
    holder  TEXT NOT NULL,          -- of one process, new at each start
    until   INTEGER NOT NULL
) WITHOUT ROWID;

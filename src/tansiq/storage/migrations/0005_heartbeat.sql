-- The latest sign of life of each instance of the pool. Times are microseconds UTC.
CREATE TABLE heartbeat (
    instance     TEXT PRIMARY KEY,
    source       TEXT NOT NULL,
    reporter     TEXT NOT NULL,
    made         INTEGER NOT NULL,
    next_before  INTEGER,
    number       INTEGER NOT NULL    -- counted from 0
) WITHOUT ROWID;

-- What orders writers of a store that has several (storage/stripes.py); SQLite has one, and leaves it
-- empty. A row is made when it is first taken, and updated by each transaction that takes it.
CREATE TABLE stripe (
    k    INTEGER PRIMARY KEY,
    n    BIGINT NOT NULL,
    run  BIGINT NOT NULL            -- of the gates: the process that serves from this store
) WITHOUT ROWID;

-- How far each program that is started on events has come, and how its last run ended.
CREATE TABLE hook (
    name      TEXT PRIMARY KEY,
    done      BIGINT NOT NULL,      -- number of the last event that needs no run any more
    time      BIGINT,               -- when the last run ended, microseconds UTC
    failures  BIGINT NOT NULL,      -- in a row, up to now
    problem   TEXT                  -- of the last run; NULL: it did what it should
) WITHOUT ROWID;

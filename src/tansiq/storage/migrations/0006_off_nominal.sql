-- Who has strayed into a plan that stands: sentences as JSON, NULL where nobody has.
ALTER TABLE plan ADD COLUMN warnings BLOB;

-- The last report of where a plan's aircraft is.
CREATE TABLE telemetry (
    plan_id   TEXT PRIMARY KEY,
    measured  INTEGER NOT NULL,     -- microseconds UTC
    document  BLOB NOT NULL         -- services/planning/telemetry.py as JSON
) WITHOUT ROWID;

-- Alarms of the watch, open and past; the document is what the watch takes up again after a restart.
CREATE TABLE alarm (
    id       TEXT   NOT NULL PRIMARY KEY,
    open     BIGINT NOT NULL,   -- 1, or 0 once it is history
    changed  BIGINT NOT NULL,   -- microseconds UTC
    document BLOB   NOT NULL
);
CREATE INDEX alarm_by_change ON alarm (open, changed);

-- Whose aircraft an address is, as a person has said.
CREATE TABLE track_binding (
    address TEXT   NOT NULL PRIMARY KEY,
    intent  TEXT   NOT NULL,    -- '' : none, whatever its call sign
    until   BIGINT NOT NULL,    -- microseconds UTC
    said_by TEXT   NOT NULL
);

-- Rings around a point, as a person has drawn them.
CREATE TABLE ring (
    id       TEXT   NOT NULL PRIMARY KEY,
    until    BIGINT NOT NULL,   -- microseconds UTC
    document BLOB   NOT NULL
);

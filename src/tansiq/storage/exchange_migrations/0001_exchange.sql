-- A file of its own: what was said to whom is large, and losing its last second is bearable.
CREATE TABLE exchange (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    time      INTEGER NOT NULL,
    peer      TEXT NOT NULL,
    document  BLOB NOT NULL
);

CREATE INDEX exchange_time ON exchange (time);

-- What else the log set of F3548-21 holds: refusals, what our people were told, who is responsible.
CREATE TABLE entry (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    time      INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    document  BLOB NOT NULL
);

CREATE INDEX entry_time ON entry (kind, time);
CREATE INDEX entry_subject ON entry (kind, subject);

-- One row: how much there is, what was lost because the disk did not keep up, the last event read.
CREATE TABLE held (
    rows        INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    lost        INTEGER NOT NULL,
    last_event  INTEGER NOT NULL
);

INSERT INTO held (rows, bytes, lost, last_event) VALUES (0, 0, 0, 0);

CREATE TABLE store_probe (
    n  INTEGER NOT NULL
);

INSERT INTO store_probe (n) VALUES (0);

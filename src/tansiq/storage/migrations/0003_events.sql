-- The event feed: what readers of the own API may resume from.
CREATE TABLE event (
    seq   INTEGER PRIMARY KEY,
    time  INTEGER NOT NULL,         -- microseconds UTC
    kind  TEXT NOT NULL,            -- plan, constraint, peer
    id    TEXT NOT NULL,
    body  BLOB NOT NULL             -- JSON; null where the subject was too large to repeat
);

-- The last number given. A row of its own, so that numbers follow the order of commits in every
-- dialect and are never given twice, even when all events have been dropped.
CREATE TABLE event_counter (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    last  INTEGER NOT NULL
);

INSERT INTO event_counter (only, last) VALUES (1, 0);

-- What we said to other parties and they to us. The signed text is the record's entry `seq`.

CREATE TABLE note (
    id       TEXT    NOT NULL PRIMARY KEY, -- SHA-256 of the signed bytes, hex
    seq      BIGINT  NOT NULL,             -- place in the record; also the order in which they came
    peer     TEXT    NOT NULL,             -- the other party of the line; ourselves for own notes
    kind     TEXT    NOT NULL,
    sender   TEXT    NOT NULL,
    mode     TEXT    NOT NULL,
    number   BIGINT  NOT NULL,
    turn     BIGINT  NOT NULL,
    time     BIGINT  NOT NULL,             -- microseconds UTC, by the sender's clock
    thread   TEXT    NOT NULL,             -- the note that opened the conversation; perhaps itself
    re       TEXT,
    word     TEXT    NOT NULL,
    own      TEXT    NOT NULL,             -- the kind's own lines
    written  BIGINT  NOT NULL,             -- microseconds UTC, by our clock
    salt     BLOB,
    payload  BLOB                          -- NULL: withheld by the sender, or erased here
);
CREATE UNIQUE INDEX note_by_seq ON note (seq);
CREATE INDEX note_by_thread ON note (thread, seq);
CREATE INDEX note_by_number ON note (sender, peer, number);

-- One row a peer: the counters of our side.
CREATE TABLE line (
    peer   TEXT   NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,                -- of the last counted note that we sent
    turn   BIGINT NOT NULL                 -- the greatest that we sent or got
);

-- What has not arrived yet, as far as we know.
CREATE TABLE outbox (
    note    TEXT    NOT NULL PRIMARY KEY,
    peer    TEXT    NOT NULL,
    rank    INTEGER NOT NULL,              -- 0 before 1: a stop does not wait behind notices
    seq     BIGINT  NOT NULL,
    tries   BIGINT  NOT NULL DEFAULT 0,
    tried   BIGINT,                        -- when last, microseconds UTC
    refused INTEGER NOT NULL DEFAULT 0,    -- 1: the peer was there and did not take it
    problem TEXT                           -- why it has not arrived, in a sentence
);
CREATE INDEX outbox_by_peer ON outbox (peer, rank, seq);

-- Four times of each note and its receipt, by both clocks; errors in microseconds, NULL if unknown.
CREATE TABLE passage (
    note           TEXT   NOT NULL PRIMARY KEY,
    peer           TEXT   NOT NULL,
    signed         BIGINT NOT NULL,
    received       BIGINT NOT NULL,
    receipt_signed BIGINT NOT NULL,
    receipt_got    BIGINT NOT NULL,
    sender_error   BIGINT,
    receiver_error BIGINT,
    direct         INTEGER NOT NULL        -- 1: as the answer to a delivery; 0: carried by hand
);
CREATE INDEX passage_by_peer ON passage (peer, receipt_got);

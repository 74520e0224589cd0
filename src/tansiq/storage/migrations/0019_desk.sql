-- Which of a node's workers holds its desk: planner, line, record and watch are in one process.
CREATE TABLE desk (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    holder   TEXT NOT NULL,         -- of one process, new at each start; empty: nobody
    address  TEXT NOT NULL,         -- where the others hand requests to; empty: it is not ready yet
    secret   TEXT NOT NULL,         -- what they show there
    until    INTEGER NOT NULL       -- by the database's clock, microseconds UTC
);

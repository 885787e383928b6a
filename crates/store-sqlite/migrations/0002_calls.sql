-- The call log: one row for each call of a model, found by the op of its answer, so that it lies with
-- the other calls of its branch and needs no index.

CREATE TABLE call (
    key INTEGER PRIMARY KEY REFERENCES op (key),    -- of the op that appends the answer
    entry TEXT NOT NULL                             -- JSON, version 1 of the codec
) STRICT;

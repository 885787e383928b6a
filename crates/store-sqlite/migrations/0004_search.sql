-- The index of searches: what follows from the ops, made when searches need it. It may be emptied at
-- any time, and is when ops are taken away.

-- Three letters at a time, in lower case; which message they are of, and nothing else.
CREATE VIRTUAL TABLE search_text USING fts5(
    text, content='', columnsize=0, detail=none, tokenize="trigram case_sensitive 1"
);

-- The messages in the index. `no` is the rowid in `search_text`: the time of the message, then a
-- number that tells equal times apart. So the newest are found first.
CREATE TABLE search_doc (
    no INTEGER PRIMARY KEY,
    key INTEGER NOT NULL                            -- of the op that brought the message
) STRICT;

-- How many places of a stretch are in the index.
CREATE TABLE search_mark (
    stretch INTEGER PRIMARY KEY,                    -- stretch.no
    places INTEGER NOT NULL
) STRICT;

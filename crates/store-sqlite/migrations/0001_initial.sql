-- The first schema.
--
-- Times are microseconds since the Unix epoch, UTC. A `no` is a short number that has a meaning in
-- this file only; an `id` is what the program knows a thing by, most significant byte first.
--
-- An op key is `stretch.no << 32 | place`: a stretch lies together in the file, in order, and its
-- end is found with one seek. So an append writes the row of the op and nothing else: where the
-- head of a branch is, how often it moved and when its session was last used follow from the ops.

CREATE TABLE session (
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,                        -- 16 bytes
    name TEXT,
    created INTEGER NOT NULL,
    touched INTEGER NOT NULL,                       -- the last change that is neither an op nor a move
    archived INTEGER,                               -- since when; NULL when it is not
    default_branch INTEGER REFERENCES branch (no),  -- NULL only until its commit is whole
    deleted INTEGER                                 -- since when; NULL when it is not
) STRICT;

CREATE UNIQUE INDEX session_name ON session (name) WHERE name IS NOT NULL AND deleted IS NULL;

CREATE TABLE branch (
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,                        -- 16 bytes
    session INTEGER NOT NULL REFERENCES session (no),
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    forked_from BLOB,                               -- 16 bytes; that branch may be gone
    stretch INTEGER REFERENCES stretch (no),        -- the one it last appended to; NULL before that
    at INTEGER,                                     -- op key of the head; NULL is the last op of
                                                    -- `stretch`, -1 is no op at all
    revision INTEGER NOT NULL,                      -- what it was when `stretch` ended at `base_key`;
    base_key INTEGER,                               -- each op appended since then adds one
    deleted INTEGER,                                -- since when; NULL when it is not
    CHECK (at IS NOT NULL OR stretch IS NOT NULL),
    CHECK ((stretch IS NULL) = (base_key IS NULL))
) STRICT;

CREATE UNIQUE INDEX branch_name ON branch (session, name) WHERE deleted IS NULL;

-- A run of ops that one branch appended one after the other.
CREATE TABLE stretch (
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,                        -- the upper 12 bytes of its ops' identifiers
    session INTEGER NOT NULL REFERENCES session (no),
    branch BLOB NOT NULL,                           -- 16 bytes; that branch may be gone
    parent INTEGER REFERENCES op (key)              -- of its first op; NULL for the first of all
) STRICT;

-- No index but the key: each would be written anew with every commit.
CREATE TABLE op (
    key INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    standing INTEGER NOT NULL,                      -- how many messages stand after it
    blob INTEGER REFERENCES blob (no),              -- the body, when it is too large to lie here
    head TEXT NOT NULL,                             -- JSON, version 1 of the codec
    body TEXT                                       -- JSON; NULL when in `blob`, or there is none
) STRICT;

-- Large bodies, equal ones once.
CREATE TABLE blob (
    no INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,                      -- SHA-256 of `bytes`
    bytes BLOB NOT NULL
) STRICT;

-- The moves of heads that do not follow from the ops: all but the appends that go on behind the
-- last op of the branch's stretch.
CREATE TABLE reflog (
    key INTEGER PRIMARY KEY,                        -- branch.no << 32 | revision after the move
    cause TEXT NOT NULL,
    from_key INTEGER REFERENCES op (key),
    to_key INTEGER REFERENCES op (key),
    at INTEGER NOT NULL
) STRICT;

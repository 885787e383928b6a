-- Mail between the branches of a session: the envelopes, and the way of each to its recipients.
--
-- Deliveries are numbered in the order in which they were sent, through the whole file. Those of one
-- mail follow each other, and the mail has the number of the first: so the mail of a session is read
-- in order without an index over its deliveries.

CREATE TABLE mail (
    no INTEGER PRIMARY KEY,                         -- of its first delivery
    id BLOB NOT NULL UNIQUE,                        -- 16 bytes
    session INTEGER NOT NULL REFERENCES session (no),
    sender BLOB NOT NULL,                           -- 16 bytes; that branch may be gone
    sent INTEGER NOT NULL,
    expires INTEGER,                                -- NULL is never
    deliveries INTEGER NOT NULL,                    -- how many it has
    envelope TEXT NOT NULL                          -- JSON, version 1 of the codec
) STRICT;

CREATE INDEX mail_session ON mail (session);

CREATE TABLE delivery (
    no INTEGER PRIMARY KEY,
    mail INTEGER NOT NULL REFERENCES mail (no),
    sender BLOB,                                    -- that of the mail while it is on the way, for
                                                    -- the index; NULL from then on
    recipient BLOB NOT NULL,                        -- 16 bytes; that branch may be gone
    state INTEGER NOT NULL,                         -- 0 outbox, 1 transit, 2 inbox, 3 applied,
                                                    -- 4 refused, 5 expired, 6 dead letter
    since INTEGER NOT NULL,
    delivered INTEGER,                              -- when it came into the inbox first
    reason TEXT,                                    -- of what is refused or a dead letter
    receipt BLOB                                    -- of what is applied: the op, 16 bytes
) STRICT;

-- What nobody has decided on. Both end with `no`, as every index does.
CREATE INDEX delivery_waiting ON delivery (recipient) WHERE state <= 2;

-- What is on the way.
CREATE INDEX delivery_unsent ON delivery (sender, recipient) WHERE state <= 1;

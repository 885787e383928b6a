-- What the new branches of a session begin with: JSON, version 1 of the codec; NULL is nothing.

ALTER TABLE session ADD COLUMN defaults TEXT;

-- Of what category the aircraft of a plan is; NULL: not said.
ALTER TABLE plan ADD COLUMN category TEXT;

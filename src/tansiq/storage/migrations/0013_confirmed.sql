-- When a person last said that a no-go area of ours is still wanted, microseconds UTC.
ALTER TABLE own_constraint ADD COLUMN confirmed BIGINT NOT NULL DEFAULT 0;
-- From now on: nobody was asked to confirm it before.
UPDATE own_constraint SET confirmed = CAST(strftime('%s', 'now') AS BIGINT) * 1000000;

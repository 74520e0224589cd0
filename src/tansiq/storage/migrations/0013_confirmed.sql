-- When a person last said that a no-go area of ours is still wanted, microseconds UTC. 0: nobody was
-- asked so far; the node's next start counts as the first time.
ALTER TABLE own_constraint ADD COLUMN confirmed BIGINT NOT NULL DEFAULT 0;

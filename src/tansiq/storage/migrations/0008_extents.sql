-- The volumes of what stands here, so that what shares a cell with a write and keeps clear of it need
-- not be proven known. Rows from before have none, and are relevant to everything in their cells.
ALTER TABLE intent ADD COLUMN extents BLOB;
ALTER TABLE constraint_reference ADD COLUMN extents BLOB;

-- Reports of trouble are filed at our register and at our manager of plans; both are read as one list.
ALTER TABLE dss_report RENAME TO report;
ALTER TABLE report ADD COLUMN filed_at TEXT NOT NULL DEFAULT 'dss';
CREATE INDEX report_reporter ON report (reporter, seq);
CREATE INDEX report_id ON report (id);
CREATE INDEX report_received ON report (received);

-- The ledger: what became of the events of each app, as increments per flush.
-- received = rejected + accepted; accepted = stored + queued + dead_lettered.
CREATE TABLE IF NOT EXISTS ingest_log
(
    timestamp   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    app         LowCardinality(String),
    stage       LowCardinality(String),
    reason      LowCardinality(String),
    events      UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (app, stage, timestamp)
SETTINGS non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1,
         fsync_part_directory = 1,
         ttl_only_drop_parts = 1

-- One row per instance of a business transaction; timestamp is its start.
-- apdex_zone is the Apdex zone of the instance by the time the user waited:
-- failures are frustrated at any speed, leaving within the satisfied time says
-- nothing, leaving later counts by the wait. Empty: not in the Apdex.
CREATE TABLE IF NOT EXISTS transactions
(
    app                     LowCardinality(String),
    source                  LowCardinality(String),
    transaction             LowCardinality(String),
    transaction_instance_id String CODEC(ZSTD(1)),
    transaction_version     LowCardinality(String),
    session_id              String CODEC(ZSTD(1)),
    page_view_id            String CODEC(ZSTD(1)),
    journey                 LowCardinality(String),
    run_id                  String CODEC(ZSTD(1)),
    location                LowCardinality(String),
    release                 LowCardinality(String),
    environment             LowCardinality(String),
    country                 LowCardinality(String),
    device                  LowCardinality(String),
    browser                 LowCardinality(String),
    browser_version         LowCardinality(String),
    os                      LowCardinality(String),
    url_domain              LowCardinality(String),
    url_path                String CODEC(ZSTD(1)),
    event_id                String CODEC(ZSTD(1)),
    trace_id                String CODEC(ZSTD(1)),
    timestamp               DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received_at             DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    outcome                 LowCardinality(String),
    reason                  LowCardinality(String),
    duration_ms             Float32 CODEC(ZSTD(1)),
    wait_ms                 Float32 CODEC(ZSTD(1)),
    satisfied_ms            Float32 CODEC(ZSTD(1)),
    apdex_zone              LowCardinality(String) DEFAULT multiIf(
        satisfied_ms <= 0 OR outcome = 'unknown', '',
        outcome IN ('failed', 'timed_out'), 'frustrated',
        outcome = 'abandoned' AND wait_ms <= satisfied_ms, '',
        wait_ms <= satisfied_ms, 'satisfied',
        wait_ms <= 4 * satisfied_ms, 'tolerating',
        'frustrated')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (app, transaction, toStartOfHour(timestamp), session_id, timestamp)
SETTINGS non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1,
         fsync_part_directory = 1,
         ttl_only_drop_parts = 1

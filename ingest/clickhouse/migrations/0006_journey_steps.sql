-- One row per step of a journey run.
CREATE TABLE IF NOT EXISTS journey_steps
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
    step_index              UInt16,
    step                    LowCardinality(String),
    step_type               LowCardinality(String),
    outcome                 LowCardinality(String),
    reason                  LowCardinality(String),
    message                 String CODEC(ZSTD(1)),
    duration_ms             Float32 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (app, journey, location, timestamp, step_index)
SETTINGS non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1,
         fsync_part_directory = 1,
         ttl_only_drop_parts = 1

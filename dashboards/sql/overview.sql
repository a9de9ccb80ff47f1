-- How each business transaction fared between from (inclusive) and to (exclusive),
-- one row per app, transaction and source. Counts are exact but for page_views
-- (uniq, about 0.5 % off). Bots are left out, and of errors what browsers report by
-- themselves. A figure without samples is NULL, never 0. The wait is over all
-- instances, also those that failed or were left.
SELECT
    app,
    transaction,
    source,
    sum(n_instances) AS instances,
    sum(n_completed) AS completed,
    sum(n_apdex) AS apdex_samples,
    if(apdex_samples = 0, NULL, (sum(n_satisfied) + sum(n_tolerating) / 2) / apdex_samples) AS apdex,
    max(target_ms) AS apdex_target_ms,
    max(wait) AS p75_wait_ms,
    sum(n_views) AS page_views,
    sum(n_lcp) AS lcp_samples,
    max(lcp) AS p75_lcp_ms,
    sum(n_errors) AS errors
FROM
(
    SELECT
        app, transaction, source,
        count() AS n_instances,
        countIf(outcome = 'completed') AS n_completed,
        countIf(apdex_zone != '') AS n_apdex,
        countIf(apdex_zone = 'satisfied') AS n_satisfied,
        countIf(apdex_zone = 'tolerating') AS n_tolerating,
        nullIf(toFloat64(argMax(satisfied_ms, timestamp)), 0) AS target_ms,
        toNullable(toFloat64(quantile(0.75)(wait_ms))) AS wait,
        0 AS n_views,
        0 AS n_lcp,
        NULL AS lcp,
        0 AS n_errors
    FROM transactions
    WHERE timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp < {to:DateTime64(3, 'UTC')} AND bot = '' AND transaction != ''
    GROUP BY app, transaction, source
    UNION ALL
    SELECT
        app, transaction, source,
        0, 0, 0, 0, 0, NULL, NULL,
        uniq(page_view_id),
        count(lcp_ms),
        toFloat64(quantile(0.75)(lcp_ms)),
        0
    FROM page_views
    WHERE timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp < {to:DateTime64(3, 'UTC')} AND bot = '' AND transaction != ''
    GROUP BY app, transaction, source
    UNION ALL
    SELECT
        app, transaction, source,
        0, 0, 0, 0, 0, NULL, NULL,
        0, 0, NULL,
        sum(count)
    FROM errors
    WHERE timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp < {to:DateTime64(3, 'UTC')} AND bot = '' AND transaction != '' AND kind IN ('error', 'unhandledrejection')
    GROUP BY app, transaction, source
)
GROUP BY app, transaction, source
ORDER BY app, transaction, source

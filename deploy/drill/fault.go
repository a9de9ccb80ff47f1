package main

import "context"

// fault is something that happens to a collector.
type fault struct {
	name, about string
	// rounds is how often it is repeated with other luck; 0 for what needs none.
	rounds, quickRounds int
	happen              func(context.Context, *field) (verdict, error)
}

// faults are all that the drill can provoke.
func faults() []fault {
	return []fault{
		{name: "kill9", about: "the collector is killed at random moments under load", rounds: 100, quickRounds: 4, happen: kill9},
		{name: "kill-after-ack", about: "it is killed between ClickHouse's answer and the cursor's write", rounds: 40, quickRounds: 4, happen: killAfterAck},
		{name: "kill9-embedded", about: "it is killed together with its embedded engine", rounds: 10, quickRounds: 1, happen: kill9Embedded},
		{name: "clickhouse-refuses", about: "ClickHouse refuses connections until the log is full", happen: clickhouseRefuses},
		{name: "clickhouse-hangs", about: "ClickHouse takes connections and never answers", happen: clickhouseHangs},
		{name: "clickhouse-slow", about: "ClickHouse answers each insert late", happen: clickhouseSlow},
		{name: "clickhouse-cut", about: "connections are reset in the middle of inserts, and just before their answers", rounds: 40, quickRounds: 6, happen: clickhouseCut},
		{name: "poison-rows", about: "ClickHouse refuses some rows for good, until they are replayed", rounds: 10, quickRounds: 2, happen: poisonRows},
		{name: "constraint-dropped", about: "ClickHouse refuses rows, the collector is killed over it, and then all are welcome", rounds: 20, quickRounds: 3, happen: constraintDropped},
		{name: "passing-errors", about: "ClickHouse has no table, no memory, too many parts for a while", happen: passingErrors},
		{name: "password-changed", about: "ClickHouse refuses the login for a while", happen: passwordChanged},
		{name: "type-changed", about: "a column of ClickHouse has another type for a while", rounds: 5, quickRounds: 1, happen: typeChanged},
		{name: "disk-full", about: "the log's disk is full", happen: diskFull},
		{name: "disk-readonly", about: "the log's disk is read-only", happen: diskReadOnly},
		{name: "disk-small", about: "the log's disk is smaller than queue.max_size", happen: diskSmall},
		{name: "sync-fails", about: "every fdatasync of the collector fails for a while", happen: syncsFail},
		{name: "write-fails", about: "every write to the log fails for a while", happen: writesFail},
		{name: "sync-flaky", about: "some syncs and writes fail among others that do not", rounds: 9, quickRounds: 3, happen: syncsFlaky},
		{name: "truncated-tail", about: "the end of the log is cut off", happen: damaged(truncatedTail)},
		{name: "zeroed-tail", about: "the end of the log is zeros", happen: damaged(zeroedTail)},
		{name: "flipped-bits", about: "bits in the middle of the log have changed", happen: damaged(flippedBits)},
		{name: "missing-segment", about: "a file in the middle of the log is gone", happen: damaged(missingSegment)},
		{name: "newer-format", about: "a later version has written to the log", happen: newerFormat},
		{name: "two-processes", about: "a second collector is started on the same directory", happen: twoProcesses},
		{name: "clocks", about: "senders have wrong clocks", happen: wrongClocksReport},
		{name: "server-clock", about: "the collector's own clock is set by an hour, forward and back", rounds: 3, quickRounds: 1, happen: serverClock},
		{name: "sigterm", about: "the collector is told to stop under load", rounds: 10, quickRounds: 2, happen: sigterm},
		{name: "sigterm-in-outage", about: "the collector is told to stop while ClickHouse hangs", rounds: 3, quickRounds: 1, happen: sigtermInOutage},
		{name: "reload", about: "the configuration is read again, invalid and valid", happen: reload},
		{name: "migrate", about: "the making of the schema is cut off, runs twice, meets a newer one", rounds: 20, quickRounds: 2, happen: migrate},
		{name: "otel-down", about: "the collector's own telemetry goes to nobody, to one who does not answer, is slow, or fails", happen: otelDown},
		{name: "replays", about: "the same reports come many times: at once, after restarts, late", happen: replays},
		{name: "malformed", about: "thousands of bodies are no reports: cut, deep, huge, no UTF-8", rounds: 10_000, quickRounds: 500, happen: malformedReports},
		{name: "absurd", about: "page views have figures that cannot be", happen: absurdTimings},
		{name: "slow-senders", about: "thousands of connections are idle, hundreds send byte by byte", happen: slowSenders},
		{name: "gzip", about: "bodies of gzip are bombs, nested, cut off, damaged", rounds: 50, quickRounds: 2, happen: gzipBodies},
		{name: "name-flood", about: "every report has names that no other has", rounds: 200_000, quickRounds: 5000, happen: nameFlood},
		{name: "app-flood", about: "one app sends all it can beside another", happen: appFlood(0)},
		{name: "app-above-limit", about: "one app sends far more than its limit beside another", happen: appFlood(100)},
		{name: "places", about: "the file that tells where clients are is replaced, damaged, deleted and written over", happen: places},
		{name: "intruders", about: "reports come from where they may not, or with a key that was revoked", happen: intruders},
		{name: "log-injection", about: "requests hold what would write lines into the log", happen: logInjection},
	}
}

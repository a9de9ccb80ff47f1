// Package ingest is what happens to a report between the door and the database.
//
// Life of a measurement:
//
//  1. server.Server reads a request and lets it in: key, origin, size.
//  2. [Service.Accept] decodes it with beacon.Decode, tells good events from
//     bad ones, and puts the good ones into the queue as one [Record].
//     Only then is the sender answered.
//  3. [Pipeline.Run] freezes what waits in the queue into a [Batch]; its token is
//     derived from the frozen range, so that a repeated insert is recognised.
//  4. [Enricher.Rows] turns each event into a [Row]: times corrected, texts
//     scrubbed, user agent read, objective of the transaction looked up.
//  5. The [Sink] (clickhouse.Store) writes one native block per table; the
//     batch is repeated until the sink took it or refused it for good.
//  6. The [Ledger] counts each event at every stage, so that
//     received = rejected + accepted and
//     accepted = stored + queued + dead-lettered always hold.
//
// The package knows neither HTTP nor ClickHouse; those live in the packages
// server and clickhouse below it.
package ingest

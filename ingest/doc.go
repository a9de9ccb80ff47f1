// Package ingest is what happens to a report between the door and the database.
//
// Life of a measurement:
//
//  1. server.Server reads a request and lets it in: key, origin, size.
//  2. [Service.Accept] decodes it with beacon.Decode and tells good events from
//     bad ones and from those that came before (seen.Set).
//  3. [Enricher.Rows] turns each event into a [Row]: times corrected, texts
//     scrubbed, user agent read, objective of the transaction looked up. A row is
//     final: what is in the log does not depend on the configuration any more.
//  4. The rows, as bytes of the [RowEncoder], go into the queue.Queue, a log on
//     disk, as one record. Only when that is safe is the sender answered.
//  5. [Pipeline.Run] freezes what waits in the log into a [Batch]; its token is
//     derived from the frozen range, so that a repeated insert is recognised.
//  6. The [Sink] (clickhouse.Store) writes one native block per table; the
//     batch is repeated until the sink took it or refused rows of it for good.
//     Those go to a dead-letter file. Then the log forgets the range.
//  7. The [Ledger] counts each event at every stage, so that
//     received = rejected + accepted and
//     accepted = stored + queued + dead-lettered always hold, over restarts too:
//     [Recover] rebuilds it, and the remembered ids, from the log.
//
// The package knows neither HTTP, ClickHouse nor files; those live in the
// packages server, clickhouse, queue and deadletter below it.
package ingest

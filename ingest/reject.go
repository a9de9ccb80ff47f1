package ingest

import "throughline/beacon"

// The reasons for which the collector refuses a report before, or after, the
// wire contract has had its say. They share their type with those of package
// beacon, so that answer, metric label and ledger know one list.
const (
	// RejectUnknownKey is a write key that belongs to no app.
	RejectUnknownKey beacon.Reason = "unknown_key"
	// RejectForbiddenOrigin is a page that the app does not list.
	RejectForbiddenOrigin beacon.Reason = "forbidden_origin"
	// RejectNotAnAgent is a synthetic report without a journey agent's token.
	RejectNotAnAgent beacon.Reason = "not_an_agent"
	// RejectTooLarge is a body above its limit.
	RejectTooLarge beacon.Reason = "too_large"
	// RejectUnreadable is a body that broke off or came too slowly.
	RejectUnreadable beacon.Reason = "unreadable"
	// RejectEncoding is a body with a content encoding other than gzip, or one that
	// is packed more than once.
	RejectEncoding beacon.Reason = "unsupported_encoding"
	// RejectCorrupt is a body that says it is gzip and is not, or is cut off or
	// damaged.
	RejectCorrupt beacon.Reason = "corrupt_gzip"
	// RejectRateLimited is a report of an app that sends more events a second than
	// its limit.
	RejectRateLimited beacon.Reason = "rate_limited"
	// RejectQuotaExceeded is a report of an app that has sent all events it may send
	// on one day.
	RejectQuotaExceeded beacon.Reason = "quota_exceeded"
	// RejectBusy is a report that came while too many others were under way.
	RejectBusy beacon.Reason = "busy"
	// RejectUnknownTransaction is the end of a transaction that the app does not
	// define (any more).
	RejectUnknownTransaction beacon.Reason = "unknown_transaction"
	// RejectDuplicate is an event that was accepted before.
	RejectDuplicate beacon.Reason = "duplicate"
	// RejectDiskFailure is a report that came while the disk did not take it.
	RejectDiskFailure beacon.Reason = "disk_failure"
	// RejectQueueFull is a report that came while the queue was at its bound.
	RejectQueueFull beacon.Reason = "queue_full"
	// RejectShuttingDown is a report that came while the collector was stopping.
	RejectShuttingDown beacon.Reason = "shutting_down"
)

// Reasons for which an accepted event is dead-lettered.
const (
	// DeadRefused is an event that the database will never take; it is in a
	// dead-letter file.
	DeadRefused beacon.Reason = "refused_by_database"
	// DeadDamaged is an event whose record in the log could not be read any more.
	DeadDamaged beacon.Reason = "damaged_in_log"
)

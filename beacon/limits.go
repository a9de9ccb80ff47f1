package beacon

import "time"

// Version is the version of the wire contract that this package writes. It reads
// [CompactVersion], too.
const Version = 1

// Limits of one report. A value at the limit is kept, one above it is not.
const (
	// MaxBrowserBodyBytes bounds a report from a browser. Browsers allow 64 KiB
	// for all keepalive requests of a page together.
	MaxBrowserBodyBytes = 64 << 10
	// MaxAgentBodyBytes bounds a report from a journey agent.
	MaxAgentBodyBytes = 1 << 20

	// MaxEvents bounds the events of one report; those beyond are rejected.
	MaxEvents = 500

	// Longer texts are refused in fields that identify something ...
	MaxNameBytes = 200  // names: transaction, journey, step, release, environment, SDK; those that apps make up are cut to it
	MaxURLBytes  = 2048 // URLs

	// ... and cut to size, at a rune boundary, in fields that people read.
	MaxSelectorBytes  = 256
	MaxUserAgentBytes = 512 // the longest of real browsers have about half of it
	MaxMessageBytes   = 2 << 10
	MaxStackBytes     = 16 << 10

	// MaxDuration bounds every duration; it is the longest possible session.
	MaxDuration = 4 * time.Hour
	// MaxTransferBytes bounds every size that a page reports.
	MaxTransferBytes = 1 << 40
	// MaxCertificateDays bounds how long a certificate is good for.
	MaxCertificateDays = 65_535
	// MaxLongFrames bounds the long animation frames of a view; senders count no further.
	MaxLongFrames = 65_535
	// MaxLayoutShift bounds the cumulative layout shift score.
	MaxLayoutShift = 1000.0
	// MaxErrorCount bounds how often one error event may say it happened.
	MaxErrorCount = 1_000_000
	// MaxAttributes bounds the attributes of a report or an event, and MaxAttributeBytes
	// the value of each, which is cut to it; their names are names.
	MaxAttributes     = 20
	MaxAttributeBytes = 200
	// MaxSequence bounds the number of a report in its view, MaxActionCount what one
	// action counts, MaxResources what one summary counts.
	MaxSequence    = 65_535
	MaxActionCount = 65_535
	MaxResources   = 65_535
	// MaxSampleWeight bounds how many sessions one stands for.
	MaxSampleWeight = 1_000_000.0
	// What no device has more of.
	MaxDeviceMemoryGB   = 65_536.0
	MaxDevicePixelRatio = 100.0
	MaxDownlinkMbps     = 1_000_000.0
	// MaxSteps bounds the index of a journey step.
	MaxSteps = 1000
)

package clickhouse

import (
	"throughline/beacon"
	"throughline/ingest"
)

// journeySteps holds the steps of journey runs.
func journeySteps() table {
	return table{
		name:  "journey_steps",
		doc:   "One row per step of a journey run.",
		holds: func(r record) bool { return r.Event.JourneyStep != nil },
		columns: experience(located("the page",
			func(r record) string { domain, _ := ingest.SplitURL(r.Event.JourneyStep.URL); return domain },
			func(r record) string { _, path := ingest.SplitURL(r.Event.JourneyStep.URL); return path }), []column{
			{name: "step_index", typ: typeUint16, doc: "Place of the step in the journey, from 0.", from: number(func(r record) int { return r.Event.JourneyStep.Index })},
			{name: "step", typ: typeName, doc: "Name of the step.", from: text(func(r record) string { return r.Event.JourneyStep.Name })},
			{name: "step_type", typ: typeName, doc: "The Recorder's step type, such as click.", from: text(func(r record) string { return r.Event.JourneyStep.Type })},
			{name: "outcome", typ: typeName, doc: "passed, failed, agent_error or skipped.", from: textOf(func(r record) beacon.RunOutcome { return r.Event.JourneyStep.Outcome })},
			{name: "reason", typ: typeName, doc: "Class of why it did not pass, such as timeout.", from: textOf(func(r record) beacon.RunReason { return r.Event.JourneyStep.Reason })},
			{name: "message", typ: typeText, doc: "What went wrong, for people.", from: text(func(r record) string { return r.Event.JourneyStep.Message })},
			{name: "duration_ms", typ: typeMilliseconds, doc: "From start to end.", from: float(func(r record) float64 { return r.Event.JourneyStep.DurationMS })},
			{name: "selector", typ: typeText, doc: "The alternative that led to the step's element, empty when it has none.", from: text(func(r record) string { return r.Event.JourneyStep.Selector })},
			{name: "status_code", typ: typeOptionalUint16, doc: "HTTP status of a request without a browser.", from: optionalNumber(func(r record) *int { return r.Event.JourneyStep.StatusCode })},
			{name: "dns_ms", typ: typeOptionalMilliseconds, doc: "... its name resolution.", from: optionalFloat(func(r record) *float64 { return r.Event.JourneyStep.DNSMS })},
			{name: "tcp_ms", typ: typeOptionalMilliseconds, doc: "... connecting, without TLS.", from: optionalFloat(func(r record) *float64 { return r.Event.JourneyStep.TCPMS })},
			{name: "tls_ms", typ: typeOptionalMilliseconds, doc: "... its TLS handshake.", from: optionalFloat(func(r record) *float64 { return r.Event.JourneyStep.TLSMS })},
			{name: "request_ms", typ: typeOptionalMilliseconds, doc: "... from the request to the first byte.", from: optionalFloat(func(r record) *float64 { return r.Event.JourneyStep.RequestMS })},
			{name: "download_ms", typ: typeOptionalMilliseconds, doc: "... from the first byte to the last.", from: optionalFloat(func(r record) *float64 { return r.Event.JourneyStep.DownloadMS })},
			{name: "certificate_days_left", typ: typeOptionalUint16, doc: "... whole days until a certificate of its chain expires; 0 when one has.", from: optionalNumber(func(r record) *int { return r.Event.JourneyStep.CertificateDaysLeft })},
		}),
		engine:  "MergeTree",
		orderBy: byJourney("step_index"),
	}
}

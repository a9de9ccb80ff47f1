package ingest

import (
	"time"

	"throughline/beacon"
	"throughline/ingest/client"
)

// Record is one accepted report as it waits in the queue, with what is known of
// its arrival and nothing that may not be stored: no client address.
type Record struct {
	App        *App
	ReceivedAt time.Time
	UserAgent  string
	Hints      client.Hints
	// Country and Region are ISO 3166 codes, Network is an organisation; each is ""
	// when it is not known.
	Country, Region, Network string
	Report                   *beacon.Report
}

// Row is one event ready to be stored: the event's own measurements and the
// columns that every table has.
type Row struct {
	App         string
	Source      beacon.Source
	Transaction beacon.TransactionRef // zero: belongs to none
	SessionID   string
	// Sequence is the number of its report among those of its view, from 0 on.
	Sequence int
	// SampleWeight is how many sessions this one stands for, of an error how many times
	// as many errors; 0 is 1.
	SampleWeight float64
	// UserID is what the app calls its user, "" unless it does.
	UserID string
	// Attributes are the app's, of the report and of the event together. Rows share
	// them: they are not to be changed.
	Attributes map[string]string
	View       beacon.View // zero: belongs to no page view
	// Page is the name of the view's page, PageDomain and PagePath are parts of its
	// URL; empty without a view.
	Page, PageDomain, PagePath string
	ReferrerDomain             string
	// RequestDomain and RequestPath are parts of a request's URL.
	RequestDomain, RequestPath string
	// RequestError is the class of a request's error, Initiator what made the browser
	// send it; each is one of few.
	RequestError, Initiator string
	Journey                 beacon.JourneyContext // zero: not synthetic
	Release                 string
	Environment             string
	Country                 string
	Region                  string
	Network                 string
	// Client is who sent it; with Bot set for those whom only behaviour tells, too.
	Client     client.Client
	Timestamp  time.Time // when it began, corrected for wrong clocks
	ReceivedAt time.Time
	// Fingerprint groups errors, see stack.Group; Noise is why an error is nobody's
	// bug of the app, or "".
	Fingerprint uint64
	Noise       string
	// Satisfied is the objective of the transaction, zero when it has none.
	Satisfied time.Duration
	Event     beacon.Event
}

package ingest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"throughline/beacon"
	"throughline/ingest/client"
	"throughline/ingest/naming"
	"throughline/ingest/scrub"
	"throughline/ingest/sourcemap"
)

// Bounds of what is remembered, in a few megabytes each: different headers of
// clients, and sessions whose pace is watched.
const (
	maxClients = 10_000
	maxWatched = 100_000
)

// Enricher turns accepted reports into rows. It is safe for concurrent use.
type Enricher struct {
	clients *client.Reader
	watch   *client.Watch
	since   time.Time // what the watch counts from
	names   *naming.Names
	maps    SourceMaps
	// scrubber is that of apps that have none of their own.
	scrubber *scrub.Scrubber
}

// SourceMaps find where the code at a place of a script comes from; lines and
// columns count from 1. [sourcemap.Store] does.
type SourceMaps interface {
	Resolve(app, release, file string, line, column int) (sourcemap.Position, bool)
}

// NewEnricher returns an Enricher that names pages, and what else is of few
// kinds, with these names, and reads stacks with these maps; nil are none. now is
// the time by the clock of the records' ReceivedAt.
func NewEnricher(names *naming.Names, maps SourceMaps, now time.Time) *Enricher {
	return &Enricher{
		clients: client.NewReader(maxClients), watch: client.NewWatch(maxWatched), since: now,
		names: names, maps: maps, scrubber: &scrub.Scrubber{},
	}
}

// Rows appends a row for each event of the record to rows.
func (e *Enricher) Rows(rows []Row, record Record) []Row {
	report, scrubber := record.Report, record.App.Scrubber
	if scrubber == nil {
		scrubber = e.scrubber
	}
	names := e.names.Of(record.App.Name)
	base := e.base(record, scrubber, names)
	sentAt := time.UnixMilli(report.SentAtMS)
	for _, event := range report.Events {
		row := base
		row.Event = event
		row.Timestamp = correctTime(time.UnixMilli(event.AtMS), sentAt, record.ReceivedAt)
		if event.Transaction != nil {
			row.Transaction = *event.Transaction
			if definition, ok := record.App.Transaction(row.Transaction.Name); ok {
				row.Satisfied = definition.Satisfied
			}
		}
		scrubEvent(scrubber, &row.Event)
		e.finish(&row, report, names)
		rows = append(rows, row)
	}
	return rows
}

// base is what all rows of a record have in common.
func (e *Enricher) base(record Record, scrubber *scrub.Scrubber, names *naming.App) Row {
	report := record.Report
	base := Row{
		App:          record.App.Name,
		Source:       report.Source,
		SessionID:    report.SessionID,
		Sequence:     report.Sequence,
		SampleWeight: report.SampleWeight,
		UserID:       userID(record.App, scrubber, report.UserID),
		Attributes:   scrubAttributes(scrubber, report.Attributes),
		Release:      names.Cap(naming.Release, scrubber.Name(report.Release), record.ReceivedAt),
		Environment:  names.Cap(naming.Environment, scrubber.Name(report.Environment), record.ReceivedAt),
		Country:      record.Country,
		Region:       record.Region,
		Network:      names.Cap(naming.Network, record.Network, record.ReceivedAt),
		Client:       e.client(record),
		ReceivedAt:   record.ReceivedAt,
	}
	if base.Environment == "" {
		base.Environment = record.App.Environment
	}
	if report.View != nil {
		base.View = *report.View
		base.View.URL, base.View.Referrer = scrubber.URL(base.View.URL), scrubber.URL(base.View.Referrer)
		base.PageDomain, base.PagePath = SplitURL(base.View.URL)
		base.PageDomain = names.Cap(naming.PageDomain, base.PageDomain, record.ReceivedAt)
		if base.Page = record.App.pageName(base.PagePath); base.Page == "" {
			base.Page = names.Page(base.PagePath)
		}
		referrer, _ := SplitURL(base.View.Referrer)
		base.ReferrerDomain = names.Cap(naming.ReferrerDomain, referrer, record.ReceivedAt)
	}
	if report.Journey != nil {
		base.Journey = *report.Journey
		base.Journey.UserAgent = "" // client has read it
		base.Journey.Name = names.Cap(naming.Journey, scrubber.Name(base.Journey.Name), record.ReceivedAt)
		base.Journey.Location = names.Cap(naming.Location, scrubber.Name(base.Journey.Location), record.ReceivedAt)
	}
	return base
}

// finish fills in what a row has by the kind of its event, which has been scrubbed: a
// payload that is written to is a copy.
func (e *Enricher) finish(row *Row, report *beacon.Report, names *naming.App) {
	switch event := &row.Event; {
	case event.Request != nil:
		row.RequestDomain, row.RequestPath = SplitURL(event.Request.URL)
		row.RequestDomain = names.Cap(naming.RequestDomain, row.RequestDomain, row.ReceivedAt)
		row.RequestError = names.Cap(naming.RequestError, event.Request.Error, row.ReceivedAt)
		row.Initiator = names.Cap(naming.Initiator, event.Request.Initiator, row.ReceivedAt)
	case event.Error != nil:
		row.SampleWeight = report.ErrorWeight
		e.readStack(row, report.Release)
		event.Error.Type = names.Cap(naming.ErrorType, event.Error.Type, row.ReceivedAt)
	case event.Action != nil:
		row.Attributes = merged(row.Attributes, event.Action.Attributes)
		if isNamed(event.Action.Kind) {
			event.Action.Name = names.Cap(naming.ActionName, event.Action.Name, row.ReceivedAt)
		}
	case event.Measure != nil:
		event.Measure.Name = names.Cap(naming.MeasureName, event.Measure.Name, row.ReceivedAt)
	case event.Resources != nil:
		event.Resources.Type = names.Cap(naming.Initiator, event.Resources.Type, row.ReceivedAt)
		event.Resources.Host = names.Cap(naming.ResourceHost, event.Resources.Host, row.ReceivedAt)
	}
}

// client is who sent a record. A bot is one by what it says, what its browser
// says, or what it does, in this order. A journey has a browser, and is no bot.
func (e *Enricher) client(record Record) client.Client {
	report := record.Report
	if report.Source == beacon.SourceSynthetic {
		who := e.clients.Read(report.Journey.UserAgent, client.Hints{})
		who.Bot = ""
		return who
	}
	who := e.clients.Read(record.UserAgent, record.Hints)
	switch {
	case who.Bot != "":
	case report.Automated:
		who.Bot = client.BotAutomated
	default:
		who.Bot = e.watch.Bot(report.SessionID, finishedViews(report), record.ReceivedAt.Sub(e.since))
	}
	return who
}

// finishedViews is how many views end with a report. One that comes again is
// counted again; browsers do not repeat themselves as fast as robots.
func finishedViews(report *beacon.Report) (views int) {
	for i := range report.Events {
		if v := report.Events[i].PageView; v != nil && v.Phase == beacon.PhaseFinal {
			views++
		}
	}
	return views
}

// SplitURL returns host, without port, and path of a URL that beacon.CleanURL
// has passed; of "" both are "".
func SplitURL(clean string) (domain, path string) {
	_, rest, _ := strings.Cut(clean, "://")
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		return "", ""
	}
	host, path := rest[:slash], rest[slash:]
	if port := strings.LastIndexByte(host, ':'); port > strings.LastIndexByte(host, ']') {
		host = host[:port]
	}
	return host, path
}

// userID is the user's id as it is stored: without what may be secret or, if the app
// wants that, as the first half of an HMAC-SHA-256, which no one without the key can
// make of an id.
func userID(app *App, scrubber *scrub.Scrubber, id string) string {
	if app.UserIDKey == "" || id == "" {
		return scrubber.Name(id)
	}
	mac := hmac.New(sha256.New, []byte(app.UserIDKey))
	_, _ = mac.Write([]byte(app.Name + "\x00" + id)) // never fails
	return hex.EncodeToString(mac.Sum(nil)[:sha256.Size/2])
}

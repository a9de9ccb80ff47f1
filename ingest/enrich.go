package ingest

import (
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
	base := Row{
		App:         record.App.Name,
		Source:      report.Source,
		SessionID:   report.SessionID,
		Release:     names.Cap(naming.Release, scrubber.Name(report.Release), record.ReceivedAt),
		Environment: names.Cap(naming.Environment, scrubber.Name(report.Environment), record.ReceivedAt),
		Country:     record.Country,
		Region:      record.Region,
		Network:     names.Cap(naming.Network, record.Network, record.ReceivedAt),
		Client:      e.client(record),
		ReceivedAt:  record.ReceivedAt,
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
		switch {
		case row.Event.Request != nil:
			row.RequestDomain, row.RequestPath = SplitURL(row.Event.Request.URL)
			row.RequestDomain = names.Cap(naming.RequestDomain, row.RequestDomain, record.ReceivedAt)
			row.RequestError = row.Event.Request.Error
			if row.RequestError != "" {
				row.RequestError = names.Cap(naming.RequestError, row.RequestError, record.ReceivedAt)
			}
		case row.Event.Error != nil: // a copy, since it has been scrubbed
			e.readStack(&row, report.Release)
			row.Event.Error.Type = names.Cap(naming.ErrorType, row.Event.Error.Type, record.ReceivedAt)
		}
		rows = append(rows, row)
	}
	return rows
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

// scrubEvent takes what may be secret out of the texts of an event. The event
// may be read elsewhere yet, so that a payload is replaced, not changed; most
// have nothing to take out.
func scrubEvent(s *scrub.Scrubber, event *beacon.Event) {
	switch {
	case event.PageView != nil:
		v := event.PageView
		lcpURL, lcp, inp, cls := s.URL(v.LCPURL), s.Text(v.LCPElement), s.Text(v.INPElement), s.Text(v.CLSElement)
		script, invoker := s.URL(v.INPScriptURL), s.Text(v.INPScriptInvoker)
		if lcpURL != v.LCPURL || lcp != v.LCPElement || inp != v.INPElement || cls != v.CLSElement || script != v.INPScriptURL || invoker != v.INPScriptInvoker {
			scrubbed := *v
			scrubbed.LCPURL, scrubbed.LCPElement, scrubbed.INPElement, scrubbed.CLSElement = lcpURL, lcp, inp, cls
			scrubbed.INPScriptURL, scrubbed.INPScriptInvoker = script, invoker
			event.PageView = &scrubbed
		}
	case event.Request != nil:
		if url := s.URL(event.Request.URL); url != event.Request.URL {
			scrubbed := *event.Request
			scrubbed.URL = url
			event.Request = &scrubbed
		}
	case event.Error != nil:
		scrubbed := *event.Error
		scrubbed.Type, scrubbed.Message, scrubbed.Stack = s.Text(scrubbed.Type), s.Text(scrubbed.Message), s.Stack(scrubbed.Stack)
		event.Error = &scrubbed
	case event.TransactionDone != nil:
		if reason := s.Text(event.TransactionDone.Reason); reason != event.TransactionDone.Reason {
			scrubbed := *event.TransactionDone
			scrubbed.Reason = reason
			event.TransactionDone = &scrubbed
		}
	case event.JourneyRun != nil:
		scrubbed := *event.JourneyRun
		scrubbed.Message, scrubbed.FailedStep, scrubbed.Browser = s.Text(scrubbed.Message), s.Name(scrubbed.FailedStep), s.Name(scrubbed.Browser)
		event.JourneyRun = &scrubbed
	case event.JourneyStep != nil:
		scrubbed := *event.JourneyStep
		scrubbed.Message, scrubbed.Name, scrubbed.URL = s.Text(scrubbed.Message), s.Name(scrubbed.Name), s.URL(scrubbed.URL)
		event.JourneyStep = &scrubbed
	}
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

package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"throughline/beacon"
	"throughline/ingest/reporting"
)

// AcceptReports reads what a browser reports by itself (package reporting) and keeps
// it, as [Service.Accept] does with a report of the beacon, with the same errors.
//
// Browsers send these with any Origin header or none, so it is the report that must
// be the app's: its URL has to be of one of the app's origins. That is the page's
// URL, but for Network Error Logging the request's: to have those of an API, list its
// origin, too.
//
// # Reports that come again
//
// The reports have no ids, and browsers send them again when the answer is lost: with
// the same content, but greater ages. What is taken for the same is what one sender
// reports with the same content about the same 10 seconds, by the collector's clock,
// as often as it stands in one body. Since age is subtracted before, a repetition
// hits the same 10 seconds but for the way that it took, of which perhaps one in
// thirty crosses a border: that one is stored twice. The sender must be told apart,
// since all visitors with one version of a browser report the same of one page.
// A report without an age was sent at once and will not come again; there a
// millisecond is enough, so that none is taken for another.
//
// Within [ServiceOptions.Seen]'s window and the life of this process; after a restart
// the seed is another. More would cost an address on the disk.
func (s *Service) AcceptReports(contentType string, submission Submission) (Answer, error) {
	app := submission.App
	reports, rejects, err := decodeReports(contentType, app, submission.Body)
	var refused *beacon.Reject
	if errors.As(err, &refused) {
		s.Ledger.Rejected(app.Name, refused.Reason, 1)
		return Answer{}, refused
	}
	for _, reject := range rejects {
		s.Ledger.Rejected(app.Name, reject.Reason, max(1, reject.Events))
	}
	answer := Answer{Rejected: rejects}
	if len(reports) == 0 {
		return answer, nil
	}
	records := s.recordsOf(submission, reports)
	answer.Duplicates, err = s.keep(records[0], records[1:]...)
	if err != nil {
		return Answer{}, err
	}
	answer.Accepted = len(reports) - answer.Duplicates
	return answer, nil
}

// decodeReports reads a body, and refuses what is not about URLs of the app's origins.
func decodeReports(contentType string, app *App, body []byte) (own []reporting.Report, rejects []beacon.Reject, err error) {
	reports, rejects, err := reporting.Decode(contentType, body)
	if err != nil {
		return nil, nil, err
	}
	own = reports[:0]
	for _, report := range reports {
		if app.AllowsOrigin(originOf(report.URL)) {
			own = append(own, report)
			continue
		}
		rejects = append(rejects, beacon.Reject{
			Index: report.Index, Field: "url", Reason: RejectForbiddenOrigin,
			Detail: "the app does not list the origin of the report's URL; add it to the app's origins",
		})
	}
	slices.SortFunc(rejects, func(a, b beacon.Reject) int { return cmp.Compare(a.Index, b.Index) })
	return own, rejects, nil
}

// originOf returns the origin of a URL that beacon.CleanURL has passed.
func originOf(clean string) string {
	scheme, rest, _ := strings.Cut(clean, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// visit is what the reports of one record have in common.
type visit struct{ pageURL, userAgent string }

// recordsOf makes a record of the reports of each page and user agent, with their
// transactions. Requests have no page: whose they were is in the referrer, which is
// not kept.
func (s *Service) recordsOf(submission Submission, reports []reporting.Report) []Record {
	now := s.Now()
	var records []Record
	places := map[visit]int{}
	times := map[identity]int{}
	for _, report := range reports {
		of := visit{userAgent: cmp.Or(report.UserAgent, submission.UserAgent)}
		if report.Error != nil {
			of.pageURL = report.URL
		}
		place, known := places[of]
		if !known {
			place = len(records)
			places[of] = place
			records = append(records, recordOf(submission, of, now))
		}
		at := now.Add(-report.Age)
		same := identify(report, submission.Sender, at)
		times[same]++
		into := records[place].Report
		into.Events = append(into.Events, beacon.Event{
			ID:   s.reportID(same, times[same]),
			AtMS: at.UnixMilli(), Error: report.Error, Request: report.Request,
		})
	}
	for _, record := range records {
		matchTransactions(submission.App, record.Report)
	}
	return records
}

func recordOf(submission Submission, of visit, now time.Time) Record {
	record := Record{
		App: submission.App, ReceivedAt: now, UserAgent: of.userAgent, Hints: submission.Hints,
		Country: submission.Country, Region: submission.Region, Network: submission.Network,
		Report: &beacon.Report{Version: beacon.Version, SentAtMS: now.UnixMilli(), Source: beacon.SourceRUM},
	}
	if of.pageURL != "" {
		record.Report.View = &beacon.View{URL: of.pageURL}
	}
	return record
}

// repeatedWithin is how far reports with the same content may be apart and be the same.
const repeatedWithin = 10 * time.Second

// identity is what is equal for a report and its repetition.
type identity struct {
	sender         uint64
	url, userAgent string
	complaint      beacon.Error
	request        beacon.Request // without pointers, as package reporting makes them
	atMS           int64
}

func identify(report reporting.Report, sender uint64, at time.Time) identity {
	same := identity{sender: sender, url: report.URL, userAgent: report.UserAgent, atMS: at.UnixMilli()}
	if report.Age > 0 {
		same.atMS = at.Truncate(repeatedWithin).UnixMilli()
	}
	if report.Error != nil {
		same.complaint = *report.Error
	} else {
		same.request = *report.Request
	}
	return same
}

// reportID is the id of the report that has an identity for the nth time in its body.
func (s *Service) reportID(same identity, nth int) string {
	type numbered struct {
		identity
		nth int
	}
	return fmt.Sprintf("%016x", maphash.Comparable(s.reports, numbered{same, nth}))
}

package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/ingest/naming"
)

// reporter sends reports as browsers do.
type reporter struct {
	*rig
	app *App
	now time.Time
}

func newReporter(t *testing.T) *reporter {
	page, pay := compiled(t, `^/product/[^/]*$`), compiled(t, `^/api/pay$`)
	r := &reporter{rig: newRig(t, t.TempDir(), 1<<20, &letterBox{}), now: time.Unix(1_790_000_000, 0), app: &App{
		Name: "shop", Origins: []string{"https://shop.example", "https://api.shop.example"},
		Transactions: []Transaction{
			{Name: "View product", Complete: Matcher{Page: &page}},
			{Name: "Pay", Complete: Matcher{Request: &RequestPattern{Method: "POST", Path: pay}}},
		},
	}}
	r.service.Now = func() time.Time { return r.now }
	return r
}

func (r *reporter) send(t *testing.T, sender uint64, reports ...string) Answer {
	t.Helper()
	answer, err := r.service.AcceptReports("application/reports+json", Submission{
		App: r.app, Sender: sender, Body: []byte("[" + strings.Join(reports, ",") + "]"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func violation(ageMS int, url string) string {
	return fmt.Sprintf(`{"type":"csp-violation","age":%d,"url":%q,"user_agent":"x","body":{"effectiveDirective":"script-src-elem","blockedURL":"https://evil.example/x.js"}}`, ageMS, url)
}

func networkError(method, url, kind string) string {
	return fmt.Sprintf(`{"type":"network-error","age":1000,"url":%q,"user_agent":"x","body":{"type":%q,"method":%q,"elapsed_time":30}}`, url, kind, method)
}

// Only reports about the app's own origins are taken, whatever sends them; each of
// the others is refused by itself.
func TestAcceptReports_TakesThoseAboutTheAppsOrigins(t *testing.T) {
	r := newReporter(t)
	answer := r.send(t, 1,
		violation(10, "https://shop.example/cart"), violation(10, "https://evil.example/cart"),
		`{"type":"crash","age":10,"url":"https://shop.example/cart"}`, networkError("GET", "https://api.shop.example/stock", "tcp.timed_out"))
	if answer.Accepted != 2 || answer.Duplicates != 0 || len(answer.Rejected) != 2 ||
		answer.Rejected[0].Index != 1 || answer.Rejected[0].Reason != RejectForbiddenOrigin ||
		answer.Rejected[1].Index != 2 || answer.Rejected[1].Reason != beacon.RejectMissing {
		t.Errorf("answer %+v", answer)
	}
	got := sums(r.ledger.Entries())
	if got[StageReceived] != 4 || got[StageAccepted] != 2 || got[StageRejected] != 2 {
		t.Errorf("ledger %v", got)
	}
	if answer := r.send(t, 1, violation(0, "http://shop.example/cart")); answer.Accepted != 0 || len(answer.Rejected) != 1 {
		t.Errorf("another scheme: %+v", answer)
	}
	var refused *beacon.Reject
	if _, err := r.service.AcceptReports("text/plain", Submission{App: r.app, Body: []byte("[]")}); !errors.As(err, &refused) || refused.Field != "content-type" {
		t.Errorf("another content type: %v", err)
	}
}

// Browsers send reports again when they get no answer, with a greater age. Other
// visitors report the same of the same page.
func TestAcceptReports_KnowsReportsThatComeAgain(t *testing.T) {
	r := newReporter(t)
	page := "https://shop.example/cart"
	for _, c := range []struct {
		what                 string
		later                time.Duration // than the one before
		sender               uint64
		ageMS, times         int
		accepted, duplicates int
	}{
		{"first", 0, 1, 2_000, 2, 2, 0},
		{"again, a minute later", time.Minute, 1, 62_000, 2, 0, 2},
		{"once more than before", 0, 1, 62_000, 3, 1, 2},
		{"of somebody else", 0, 2, 62_000, 2, 2, 0},
		{"of a later time", time.Minute, 1, 2_000, 1, 1, 0},
		{"sent at once", 0, 1, 0, 1, 1, 0},
		{"sent at once, twice", time.Second, 1, 0, 2, 2, 0},
	} {
		r.now = r.now.Add(c.later)
		reports := make([]string, c.times)
		for i := range reports {
			reports[i] = violation(c.ageMS, page)
		}
		if answer := r.send(t, c.sender, reports...); answer.Accepted != c.accepted || answer.Duplicates != c.duplicates {
			t.Errorf("%s: %+v", c.what, answer)
		}
	}
}

// Nothing is kept when there is no room, and the browser is told to come back.
func TestAcceptReports_SaysWhenThereIsNoRoom(t *testing.T) {
	r := newReporter(t)
	for i := 0; ; i++ {
		_, err := r.service.AcceptReports("application/reports+json", Submission{App: r.app, Sender: uint64(i), Body: []byte("[" + violation(i, "https://shop.example/cart") + "]")})
		var busy *BusyError
		if errors.As(err, &busy) {
			if busy.Reason != RejectQueueFull {
				t.Errorf("busy: %v", busy)
			}
			break
		}
		if err != nil || i > 100_000 {
			t.Fatalf("report %d: %v", i, err)
		}
	}
}

// What is about a page belongs to the page's transaction; so does the request for a
// page, since nothing else is known of one that failed.
func TestAcceptReports_NamesTheTransactionOfTheURL(t *testing.T) {
	r := newReporter(t)
	reports := []string{
		violation(10, "https://shop.example/product/42?token=secret"), violation(20, "https://shop.example/product/42"), violation(10, "https://shop.example/help"),
		networkError("GET", "https://shop.example/product/42", "dns.name_not_resolved"), networkError("POST", "https://shop.example/api/pay", "http.error"),
		networkError("GET", "https://shop.example/api/pay", "ok"),
	}
	r.send(t, 1, reports...)
	decoded, _, err := decodeReports("application/reports+json", r.app, []byte("["+strings.Join(reports, ",")+"]"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for _, record := range r.service.recordsOf(Submission{App: r.app}, decoded) {
		rows = NewEnricher(naming.New(), nil, time.Unix(0, 0)).Rows(rows, record)
	}
	type told struct{ transaction, page, path, what string }
	want := []told{
		{"View product", "/product/*", "/product/42", "script-src-elem"},
		{"View product", "/product/*", "/product/42", "script-src-elem"},
		{"", "/help", "/help", "script-src-elem"},
		{"View product", "", "/product/42", "dns.name_not_resolved"},
		{"Pay", "", "/api/pay", "http.error"},
		{"", "", "/api/pay", ""},
	}
	var got []told
	for _, row := range rows {
		if row.Event.Error != nil {
			got = append(got, told{row.Transaction.Name, row.Page, row.PagePath, row.Event.Error.Type})
		} else {
			got = append(got, told{row.Transaction.Name, row.Page, row.RequestPath, row.RequestError})
		}
		if row.Source != beacon.SourceRUM || row.SessionID != "" || row.Transaction.Name != "" && row.Transaction.InstanceID == "" {
			t.Errorf("row %+v", row)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rows are\n%v, want\n%v", got, want)
	}
	if at := rows[0].Timestamp; !at.Equal(r.now.Add(-10 * time.Millisecond)) {
		t.Errorf("it happened at %s, received at %s", at, r.now)
	}
}

// The corpus of secrets in every text of what browsers report: no row has one.
func TestAcceptReports_KeepsNoSecret(t *testing.T) {
	service := NewService(ServiceOptions{Names: naming.New(), Now: time.Now})
	app := &App{Name: "shop", Origins: []string{"*"}}
	var reports any
	const all = `[
		{"type":"csp-violation","age":1,"url":"https://shop.example/","user_agent":"u","body":{"documentURL":"https://shop.example/","referrer":"https://shop.example/","blockedURL":"https://shop.example/","effectiveDirective":"d","originalPolicy":"p","sourceFile":"https://shop.example/","sample":"s","disposition":"enforce"}},
		{"type":"deprecation","age":1,"url":"https://shop.example/","body":{"id":"i","message":"m","sourceFile":"https://shop.example/"}},
		{"type":"crash","age":1,"url":"https://shop.example/","body":{"reason":"oom","stack":"s"}},
		{"type":"coop","age":1,"url":"https://shop.example/","body":{"disposition":"enforce","effectivePolicy":"p","type":"t","property":"p","openeeURL":"https://shop.example/"}},
		{"type":"t","age":1,"url":"https://shop.example/","body":{"x":"y"}},
		{"type":"network-error","age":1,"url":"https://shop.example/","body":{"type":"http.error","method":"GET","referrer":"https://shop.example/","server_ip":"1","protocol":"p","elapsed_time":1}}]`
	if err := json.Unmarshal([]byte(all), &reports); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for secret, core := range secrets(t) {
		eachText(reports, "", func(_, text string) string {
			if strings.Contains(text, "://") {
				return "https://shop.example/p/" + secret
			}
			return "x " + secret
		}, func(path string) {
			body, err := json.Marshal(reports)
			if err != nil {
				t.Fatal(err)
			}
			decoded, _, err := decodeReports("application/reports+json", app, body)
			if err != nil {
				t.Fatal(err)
			}
			taken += len(decoded)
			service.enricher.names = naming.New() // nothing is hidden since there is too much of it
			for _, record := range service.recordsOf(Submission{App: app}, decoded) {
				rows := service.enricher.Rows(nil, record)
				for i := range rows {
					rows[i].Event.ID = "" // random, and so may have anything in it
				}
				stored, err := json.Marshal(rows)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(stored), core) {
					t.Errorf("%s holds %q: %s", path, secret, stored)
				}
			}
		})
	}
	if taken < 1000 {
		t.Errorf("%d reports were taken", taken)
	}
}

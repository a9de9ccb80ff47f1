package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/ingest"
)

// report sends a body as a browser does by itself.
func (d *door) report(t *testing.T, method, query, contentType, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, d.URL+"/v1/reports"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
	if method == http.MethodOptions {
		request.Header.Set("Origin", origin)
		request.Header.Set("Access-Control-Request-Method", http.MethodPost)
		request.Header.Set("Access-Control-Request-Headers", "content-type")
	}
	return d.do(t, request)
}

func TestReports_Answers(t *testing.T) {
	const (
		reports   = "application/reports+json"
		violation = "application/csp-report"
		own       = `[{"type":"deprecation","age":10,"url":"https://shop.example/cart?token=secret","body":{"id":"unload","message":"Unload is deprecated."}}]`
		foreign   = `[{"type":"deprecation","age":10,"url":"https://evil.example/cart","body":{"id":"unload","message":"m"}}]`
		old       = `{"csp-report":{"document-uri":"https://shop.example/cart","blocked-uri":"https://evil.example/x.js","effective-directive":"script-src-elem"}}`
	)
	for name, c := range map[string]struct {
		query, contentType, body string
		status                   int
		answer                   string // part of it
	}{
		"of the Reporting API":        {"?key=" + key, reports, own, 202, `{"accepted":1}`},
		"of report-uri":               {"?key=" + key, violation, old, 202, `{"accepted":1}`},
		"about another site":          {"?key=" + key, reports, foreign, 202, `{"accepted":0,"rejected":[{"index":0,"field":"url","reason":"forbidden_origin"`},
		"twice":                       {"?key=" + key, reports, own[:len(own)-1] + "," + own[1:], 202, `{"accepted":2}`},
		"no key":                      {"", reports, own, 401, "unknown_key"},
		"another content type":        {"?key=" + key, "text/plain", own, 400, "content-type"},
		"malformed":                   {"?key=" + key, reports, "[", 400, "malformed"},
		"at the limit":                {"?key=" + key, reports, own + strings.Repeat(" ", beacon.MaxBrowserBodyBytes-len(own)), 202, "accepted"},
		"above the limit":             {"?key=" + key, reports, own + strings.Repeat(" ", beacon.MaxBrowserBodyBytes+1-len(own)), 413, "too_large"},
		"as many as there may be":     {"?key=" + key, reports, many(beacon.MaxEvents), 202, `{"accepted":500}`},
		"one more than there may be":  {"?key=" + key, reports, many(beacon.MaxEvents + 1), 202, `"reason":"too_many"`},
		"an app that takes any pages": {"?key=other-4f7c2a", reports, foreign, 202, `{"accepted":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t, 8<<20)
			response, answer := d.report(t, http.MethodPost, c.query, c.contentType, c.body)
			if response.StatusCode != c.status || !strings.Contains(answer, c.answer) {
				t.Errorf("status %d, %s", response.StatusCode, answer)
			}
		})
	}
}

// many is a body with that many reports that differ.
func many(reports int) string {
	return `[{"type":"x","url":"https://shop.example/"}` + strings.Repeat(`,{"type":"x","url":"https://shop.example/"}`, reports-1) + "]"
}

// Browsers ask before they send a content type that pages may not send; without
// that answer they send nothing.
func TestReports_MayBeSentFromAnyPage(t *testing.T) {
	d := openDoor(t, 1<<20)
	response, _ := d.report(t, http.MethodOptions, "?key="+key, "", "")
	if response.StatusCode != http.StatusNoContent || response.Header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(response.Header.Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("status %d, %v", response.StatusCode, response.Header)
	}
}

func TestReports_BecomeRowsOfTheBrowserThatSentThem(t *testing.T) {
	now := time.Now() // stands, so that both come within the same ten seconds
	d := openDoor(t, 1<<20, func(o *Options, _ []ingest.App) { o.Service.(*ingest.Service).Now = func() time.Time { return now } })
	body := `[{"type":"network-error","age":5000,"url":"https://shop.example/product/42?token=secret","body":{"type":"tcp.timed_out","method":"GET","elapsed_time":3000,"server_ip":"192.0.2.1"}}]`
	for i, want := range []string{`{"accepted":1}`, `{"accepted":0,"duplicates":1}`} {
		if _, answer := d.report(t, http.MethodPost, "?key="+key, "application/reports+json", body); strings.TrimSpace(answer) != want {
			t.Errorf("report %d: %s, want %s", i, answer, want)
		}
	}
	row := d.rows.rows[0]
	if q := row.Event.Request; q == nil || q.Initiator != beacon.InitiatorNEL || q.Failure != beacon.RequestFailureTimeout || q.URL != "https://shop.example/product/42" {
		t.Errorf("row %+v", row)
	}
	if row.Client.Browser != "Firefox" || row.Client.OS != "Linux" || row.App != "shop" {
		t.Errorf("client %+v of %s", row.Client, row.App)
	}
	counts := map[ingest.Stage]uint64{}
	for _, e := range d.ledger.Entries() {
		counts[e.Stage] += e.Events
	}
	if counts[ingest.StageReceived] != 2 || counts[ingest.StageRejected] != 1 || counts[ingest.StageAccepted] != 1 {
		t.Errorf("ledger %v", counts)
	}
}

// Without a path for them there is nothing that takes them.
func TestReports_CanBeSwitchedOff(t *testing.T) {
	d := openDoor(t, 1<<20, func(o *Options, _ []ingest.App) { o.ReportsPath = "" })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v1/reports?key="+key, strings.NewReader("[]"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := d.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", response.StatusCode)
	}
}

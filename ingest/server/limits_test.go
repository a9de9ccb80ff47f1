package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/admission"
)

// limited gives the app shop limits and a clock that stands still.
func limited(limits ingest.Limits, now *time.Time) func(*Options, []ingest.App) {
	return func(o *Options, apps []ingest.App) {
		apps[0].Limits = limits
		o.Now = func() time.Time { return *now }
	}
}

func TestCollect_LimitsTheRateOfAnApp(t *testing.T) {
	now := time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)
	d := openDoor(t, 1<<20, limited(ingest.Limits{EventsPerSecond: 1, Burst: 4}, &now))
	status := func(query, body string) int {
		response, _ := d.post(t, query, body, nil)
		return response.StatusCode
	}
	early, late := fixture(t, "good_early_report"), fixture(t, "good_final_report")
	if first, second := status("?key="+key, early), status("?key="+key, late); first != 202 || second != 202 {
		t.Fatalf("within the burst: %d, %d", first, second) // 3 events, and room for one
	}
	response, answer := d.post(t, "?key="+key, "not even JSON", nil)
	if response.StatusCode != 429 || !strings.Contains(answer, `"reason":"rate_limited"`) {
		t.Fatalf("%d %s", response.StatusCode, answer)
	}
	wait, err := time.ParseDuration(response.Header.Get("Retry-After") + "s")
	if err != nil || wait < time.Second {
		t.Fatalf("Retry-After: %v, %v", wait, err)
	}
	if other := status("?key=other-4f7c2a", fixture(t, "good_minimal")); other != 202 {
		t.Errorf("another app: %d", other)
	}
	journey, _ := d.post(t, "?key="+key, fixture(t, "good_journey_run"), map[string]string{"Authorization": beacon.AgentToken(token, now)})
	if journey.StatusCode != 202 {
		t.Errorf("a journey agent: %d", journey.StatusCode)
	}
	now = now.Add(wait)
	// What is refused as a whole takes off one event.
	if after, then := status("?key="+key, "not even JSON"), status("?key="+key, early); after != 400 || then != 429 {
		t.Errorf("after what it was told to wait: %d, then %d", after, then)
	}
	var refused uint64
	for _, e := range d.ledger.Entries() {
		if e.App == "shop" && e.Reason == ingest.RejectRateLimited {
			refused += e.Events
		}
	}
	if refused != 2 {
		t.Errorf("the ledger counts %d reports as rate limited, want 2", refused)
	}
}

func TestCollect_LimitsWhatAnAppKeepsOfADay(t *testing.T) {
	now := time.Date(2026, 11, 9, 23, 59, 30, 0, time.UTC)
	d := openDoor(t, 1<<20, limited(ingest.Limits{EventsPerDay: 4}, &now))
	early := fixture(t, "good_early_report")
	for range 3 { // the second and third are duplicates, which are kept once only
		if response, answer := d.post(t, "?key="+key, early, nil); response.StatusCode != 202 {
			t.Fatalf("%d %s", response.StatusCode, answer)
		}
	}
	d.post(t, "?key="+key, strings.ReplaceAll(fixture(t, "good_minimal"), "00000000000000e1", "00000000000000e9"), nil)
	response, answer := d.post(t, "?key="+key, early, nil)
	if response.StatusCode != 429 || response.Header.Get("Retry-After") != "30" || !strings.Contains(answer, `"reason":"quota_exceeded"`) {
		t.Errorf("%d, Retry-After %q: %s", response.StatusCode, response.Header.Get("Retry-After"), answer)
	}
	if counts := d.Config.Handler.(*Server).Admission.Snapshot(); len(counts) != 1 || counts[0] != (admission.Count{App: "shop", Day: "2026-11-09", Events: 4}) {
		t.Errorf("counts are %v", counts)
	}
	now = now.Add(30 * time.Second)
	if response, answer := d.post(t, "?key="+key, early, nil); response.StatusCode != 202 {
		t.Errorf("the next day: %d %s", response.StatusCode, answer)
	}
}

// slow keeps reports until it is told to go on.
type slow struct {
	goOn chan struct{}
	busy atomic.Int32 // refused for it
}

func (s *slow) Accept(ingest.Submission) (ingest.Answer, error) {
	<-s.goOn
	return ingest.Answer{Accepted: 1}, nil
}

func (s *slow) AcceptReports(string, ingest.Submission) (ingest.Answer, error) {
	return s.Accept(ingest.Submission{})
}

func (s *slow) Rejected(_ string, reason beacon.Reason) {
	if reason == ingest.RejectBusy {
		s.busy.Add(1)
	}
}

// While one app's reports wait for slots, another's gets the next; the flood's
// that wait for too long are told to come back.
func TestCollect_AFloodDoesNotHoldUpAnotherApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := &slow{goOn: make(chan struct{})}
		s, err := New(Options{
			Service: service, Script: noScript, CollectPath: "/v1/events", ScriptPath: "/t", Tracer: noTracer, Meter: noMeter,
			Admission: admission.New(admission.Options{Slots: 2, MaxWait: time.Second}),
		}, []ingest.App{{Name: "flood", Key: "flood-4f7c2a", Origins: []string{"*"}}, {Name: "shop", Key: key, Origins: []string{"*"}}}, "")
		if err != nil {
			t.Fatal(err)
		}
		send := func(key string, body io.Reader) <-chan *http.Response {
			answer := make(chan *http.Response, 1)
			go func() {
				request := httptest.NewRequest(http.MethodPost, "/v1/events?key="+key, body)
				request.Header.Set("Origin", origin)
				recorder := httptest.NewRecorder()
				s.ServeHTTP(recorder, request)
				answer <- recorder.Result()
			}()
			synctest.Wait()
			return answer
		}
		// Bodies that are still coming hold no slot.
		drip, _ := io.Pipe()
		for range 10 {
			send("flood-4f7c2a", drip)
		}
		defer func() { _ = drip.CloseWithError(errors.New("the client is gone")); synctest.Wait() }()
		var flood []<-chan *http.Response
		for range 5 {
			flood = append(flood, send("flood-4f7c2a", strings.NewReader("x")))
		}
		shop := send(key, strings.NewReader("x"))
		service.goOn <- struct{}{}
		synctest.Wait()
		service.goOn <- struct{}{}
		synctest.Wait()
		service.goOn <- struct{}{}
		if response := <-shop; response.StatusCode != http.StatusAccepted {
			t.Errorf("the other app: %d", response.StatusCode)
		}
		time.Sleep(2 * time.Second)
		close(service.goOn)
		statuses := map[int]int{}
		for _, answer := range flood {
			response := <-answer
			statuses[response.StatusCode]++
			if response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != "5" {
				t.Errorf("Retry-After: %q", response.Header.Get("Retry-After"))
			}
		}
		if statuses[http.StatusServiceUnavailable] == 0 || statuses[http.StatusAccepted] < 2 || int(service.busy.Load()) != statuses[http.StatusServiceUnavailable] {
			t.Errorf("the flood is answered %v, %d are counted", statuses, service.busy.Load())
		}
	})
}

// Who sends too much waits for the answer, and not longer than it wants to.
func TestCollect_MakesWhoSendsTooMuchWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{
			Service: openMinded{}, Script: noScript, CollectPath: "/v1/events", ScriptPath: "/t", Tracer: noTracer, Meter: noMeter,
		}, []ingest.App{{Name: "shop", Key: key, Origins: []string{"*"}, Limits: ingest.Limits{EventsPerSecond: 1, Burst: 1}}}, "")
		if err != nil {
			t.Fatal(err)
		}
		send := func(ctx context.Context) (status int, took time.Duration) {
			request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/events?key="+key, strings.NewReader("x"))
			request.Header.Set("Origin", origin)
			recorder, began := httptest.NewRecorder(), time.Now()
			s.ServeHTTP(recorder, request)
			return recorder.Code, time.Since(began)
		}
		if status, took := send(t.Context()); status != http.StatusAccepted || took != 0 {
			t.Errorf("within the limit: %d after %s", status, took)
		}
		different := map[time.Duration]bool{}
		for range 5 { // soon enough that none is within the limit again
			status, took := send(t.Context())
			if status != http.StatusTooManyRequests || took < limitedPause/2 || took > limitedPause*3/2 {
				t.Errorf("above the limit: %d after %s", status, took)
			}
			different[took] = true
		}
		if len(different) < 2 {
			t.Error("all wait equally long, and come together again")
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, took := send(gone); took != time.Millisecond {
			t.Errorf("a client that has gone is kept for %s", took)
		}
	})
}

// A key that is replaced is valid until it is taken out; a script reports with
// the key that it was loaded by.
func TestReplace_RotatesKeys(t *testing.T) {
	d := openDoor(t, 1<<20, func(o *Options, apps []ingest.App) {
		apps[0].Keys = []string{"shop-web-old1"}
		apps[0].Limits = ingest.Limits{EventsPerDay: 1}
		o.Script = func(app *ingest.App) ([]byte, error) { return []byte("report with " + app.Key), nil }
	})
	status := func(key string) int {
		response, _ := d.post(t, "?key="+key, fixture(t, "good_minimal"), nil)
		return response.StatusCode
	}
	script := func(key string) (int, string) {
		response, err := d.Client().Get(d.URL + "/t/" + key + ".js")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(content)
	}
	for _, valid := range []string{key, "shop-web-old1"} {
		if status, content := script(valid); status != 200 || content != "report with "+valid {
			t.Errorf("the script of %s: %d %s", valid, status, content)
		}
	}
	if old, now := status("shop-web-old1"), status(key); old != 202 || now != 429 {
		t.Errorf("the old key %d, the new one %d: they have one quota", old, now)
	}
	s := d.Config.Handler.(*Server)
	if err := s.Replace([]ingest.App{{Name: "shop", Key: key, Origins: []string{origin}, Limits: ingest.Limits{EventsPerDay: 1}}}, token); err != nil {
		t.Fatal(err)
	}
	if old, now := status("shop-web-old1"), status(key); old != 401 || now != 429 {
		t.Errorf("after the old key was taken out it gets %d, the new one %d", old, now)
	}
	if status, _ := script("shop-web-old1"); status != 404 {
		t.Errorf("the script of a key that was taken out: %d", status)
	}
}

// Every text and number at its limit is kept, or cut, and one above is refused
// by the name of its field.
func TestCollect_FieldsAtTheirLimits(t *testing.T) {
	d := openDoor(t, 8<<20)
	text := func(bytes int) string { return strings.Repeat("x", bytes) }
	url := func(bytes int) string { const start = "https://shop.example/"; return start + text(bytes-len(start)) }
	type object = map[string]any
	report := func(change func(report, view, event object), kind string, measured object) string {
		event := object{"id": "00000000000000e1", "at_ms": 1763900000000, kind: measured}
		view := object{"id": "00000000000000b1", "url": "https://shop.example/", "navigation": "navigate"}
		r := object{"v": 1, "sent_at_ms": 1763900000500, "source": "rum", "session_id": "00000000000000a1", "view": view, "events": []object{event}}
		change(r, view, event)
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	none := func(_, _, _ object) {}
	for name, c := range map[string]struct {
		field  string // "" when what is longer is cut
		max    int
		report func(size int) string
	}{
		"sdk": {"sdk", beacon.MaxNameBytes, func(n int) string {
			return report(func(r, _, _ object) { r["sdk"] = text(n) }, "page_view", object{"phase": "early"})
		}},
		"release": {"release", beacon.MaxNameBytes, func(n int) string {
			return report(func(r, _, _ object) { r["release"] = text(n) }, "page_view", object{"phase": "early"})
		}},
		"environment": {"environment", beacon.MaxNameBytes, func(n int) string {
			return report(func(r, _, _ object) { r["environment"] = text(n) }, "page_view", object{"phase": "early"})
		}},
		"url": {"view.url", beacon.MaxURLBytes, func(n int) string {
			return report(func(_, v, _ object) { v["url"] = url(n) }, "page_view", object{"phase": "early"})
		}},
		"referrer": {"view.referrer", beacon.MaxURLBytes, func(n int) string {
			return report(func(_, v, _ object) { v["referrer"] = url(n) }, "page_view", object{"phase": "early"})
		}},
		"viewport": {"view.viewport_width_px", 65535, func(n int) string {
			return report(func(_, v, _ object) { v["viewport_width_px"] = n }, "page_view", object{"phase": "early"})
		}},
		"transaction": {"transaction.name", beacon.MaxNameBytes, func(n int) string {
			return report(func(_, _, e object) {
				e["transaction"] = object{"name": text(n), "instance_id": "00000000000000c1", "version": "0123456789abcdef"}
			}, "page_view", object{"phase": "early"})
		}},
		"time":         {"page_view.lcp_ms", int(beacon.MaxDuration.Milliseconds()), func(n int) string { return report(none, "page_view", object{"phase": "early", "lcp_ms": n}) }},
		"layout shift": {"page_view.cls", beacon.MaxLayoutShift, func(n int) string { return report(none, "page_view", object{"phase": "final", "cls": n}) }},
		"element":      {"", beacon.MaxSelectorBytes, func(n int) string { return report(none, "page_view", object{"phase": "final", "lcp_element": text(n)}) }},
		"LCP's URL":    {"page_view.lcp_url", beacon.MaxURLBytes, func(n int) string { return report(none, "page_view", object{"phase": "final", "lcp_url": url(n)}) }},
		"request": {"request.url", beacon.MaxURLBytes, func(n int) string {
			return report(none, "request", object{"method": "GET", "url": url(n), "initiator": "fetch", "status_code": 200, "duration_ms": 1})
		}},
		"size": {"request.transfer_size_bytes", beacon.MaxTransferBytes, func(n int) string {
			return report(none, "request", object{"method": "GET", "url": url(30), "initiator": "fetch", "status_code": 200, "duration_ms": 1, "transfer_size_bytes": n})
		}},
		"message": {"", beacon.MaxMessageBytes, func(n int) string {
			return report(none, "error", object{"kind": "error", "message": text(n), "count": 1})
		}},
		"stack": {"", beacon.MaxStackBytes, func(n int) string {
			return report(none, "error", object{"kind": "error", "message": "x", "stack": text(n), "count": 1})
		}},
		"count": {"error.count", beacon.MaxErrorCount, func(n int) string {
			return report(none, "error", object{"kind": "error", "message": "x", "count": n})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if response, answer := d.post(t, "?key="+key, c.report(c.max), nil); response.StatusCode != 202 {
				t.Errorf("at the limit: %d %s", response.StatusCode, answer)
			}
			response, answer := d.post(t, "?key="+key, c.report(c.max+1), nil)
			if c.field == "" {
				if response.StatusCode != 202 {
					t.Errorf("above the limit: %d %s", response.StatusCode, answer)
				}
			} else if response.StatusCode != 400 || !strings.Contains(answer, `"field":"`+c.field+`"`) {
				t.Errorf("above the limit: %d %s", response.StatusCode, answer)
			}
		})
	}
}

func TestCollect_EventsAtTheirLimit(t *testing.T) {
	report := func(events int) string {
		good := fixture(t, "good_minimal")
		start, rest, _ := strings.Cut(good, `"events": [`)
		event := strings.TrimSpace(rest[:strings.LastIndex(rest, "]")])
		return start + `"events": [` + event + strings.Repeat(","+event, events-1) + "]}"
	}
	agent := map[string]string{"Authorization": beacon.AgentToken(token, time.Now())} // whose bodies may be as long
	for events, want := range map[int]string{
		beacon.MaxEvents:     "{\"accepted\":1,\"duplicates\":499}\n",
		beacon.MaxEvents + 1: `{"accepted":1,"duplicates":499,"rejected":[{"index":500,"reason":"too_many","events":1,`,
	} {
		response, answer := openDoor(t, 1<<20).post(t, "?key="+key, report(events), agent)
		if response.StatusCode != 202 || !strings.HasPrefix(answer, want) {
			t.Errorf("%d events: %d %s", events, response.StatusCode, answer)
		}
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// send sends one error report with an id of its own, as a page would.
func send(ctx context.Context, collector, origin string, number int) (status int, err error) {
	body := fmt.Sprintf(`{"v":1,"sent_at_ms":%d,"source":"rum","session_id":"00000000000000a1",
		"view":{"id":"00000000000000b1","url":"https://shop.example/","navigation":"navigate"},
		"events":[{"id":"%016x","at_ms":%[1]d,"error":{"kind":"error","message":"x","count":1}}]}`, time.Now().UnixMilli(), number)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, collector+"/v1/events?key=shop-web-4f7c2a", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Origin", origin)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// The database dies in the middle of it all: what was accepted is stored once.
func TestCollector_SurvivesTheDeathOfClickHouse(t *testing.T) {
	const origin, reports = "https://shop.example", 60
	co := startCollector(t, origin)
	url := localURL(co.public)
	for i := range reports {
		if i == reports/3 {
			// It is gone before it can answer, so there is always an error.
			if _, err := co.database.Load().engine.Query(t.Context(), "SYSTEM KILL"); err == nil {
				t.Error("ClickHouse survived")
			}
		}
		if status, err := send(t.Context(), url, origin, i); err != nil || status != http.StatusAccepted {
			t.Errorf("report %d: status %d, %v", i, status, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if held, _ := co.queue.Held(); held == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the queue does not drain")
		}
	}
	want := fmt.Sprintf("%d|%[1]d", reports)
	if got := row(t, co, "SELECT concat(toString(count()), '|', toString(uniqExact(event_id))) AS x FROM errors"); got != want {
		t.Errorf("rows and different events: %s, want %s", got, want)
	}
}

// A collector that is told to stop under load stores what it accepted, and
// says no to the rest.
func TestCollector_StopsWithoutLosingWhatItAccepted(t *testing.T) {
	const origin = "https://shop.example"
	co, stop := startStoppable(t, origin, t.Output())
	url := localURL(co.public)
	var accepted atomic.Int64
	var senders sync.WaitGroup
	sending, endSending := context.WithCancel(t.Context())
	for sender := range 4 {
		senders.Go(func() {
			for i := 0; sending.Err() == nil; i++ {
				if status, err := send(t.Context(), url, origin, sender<<32+i); err == nil && status == http.StatusAccepted {
					accepted.Add(1)
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	if err := stop(nil); err != nil {
		t.Error(err)
	}
	endSending()
	senders.Wait()
	want := fmt.Sprintf("%d|%[1]d", accepted.Load())
	if got := row(t, co, "SELECT concat(toString(count()), '|', toString(uniqExact(event_id))) AS x FROM errors"); got != want || accepted.Load() == 0 {
		t.Errorf("rows and different events: %s, want %s", got, want)
	}
}

// A service manager ends the collector: whoever balances load gets time to see
// that it is not ready, and what is sent in that time is taken.
func TestCollector_IsNotReadyBeforeItStopsTakingReports(t *testing.T) {
	const origin = "https://shop.example"
	co, stop := startStoppable(t, origin, t.Output())
	url, ready := localURL(co.public), localURL(co.admin)+"/readyz"
	told := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- stop(terminated{}) }()
	for status := 0; status != http.StatusServiceUnavailable; time.Sleep(time.Millisecond) {
		response, err := http.Get(ready)
		if err != nil {
			t.Fatal(err)
		}
		status = response.StatusCode
		_ = response.Body.Close()
	}
	taken := 0
	for ; time.Since(told) < co.config.ShutdownDelay.Duration()*3/4; taken++ {
		if status, err := send(t.Context(), url, origin, taken); err != nil || status != http.StatusAccepted {
			t.Fatalf("report %d, %s after the signal: %d, %v", taken, time.Since(told), status, err)
		}
	}
	if err := <-ended; err != nil || taken == 0 {
		t.Errorf("%d reports taken; %v", taken, err)
	}
	if _, err := send(t.Context(), url, origin, taken); err == nil {
		t.Error("a report was taken after the end")
	}
	if got, want := row(t, co, "SELECT count() AS x FROM errors"), fmt.Sprint(taken); got != want {
		t.Errorf("%s rows, want %s", got, want)
	}
}

// The console sends people to the collector's log, so that must say more.
func TestConsole_FailureIsInTheCollectorsLog(t *testing.T) {
	var log screen
	co, stop := startStoppable(t, "https://shop.example", &log)
	defer func() {
		if err := stop(nil); err != nil {
			t.Error(err)
		}
	}()
	if _, err := co.database.Load().engine.Query(t.Context(), "DROP TABLE throughline.page_views"); err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(localURL(co.admin) + "/api/overview")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "log says more") {
		t.Errorf("%d %s %v", response.StatusCode, body, err)
	}
	log.waitFor(t, "read the overview for the console")
}

package synthetic_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
)

// TestRun_Secrets lets a site show a secret wherever it can: in its address, its
// title, and what the beacon in it reports.
func TestRun_Secrets(t *testing.T) {
	const secret = `hush "hush" ü`
	entered := make(chan string, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/" {
			fmt.Fprint(w, `<!doctype html><form action=/in><input name=p id=p><input name=c id=c><button>Go</button></form>`)
			return
		}
		select {
		case entered <- r.FormValue("p") + " " + r.FormValue("c"):
		default:
		}
		fmt.Fprintf(w, `<!doctype html><script>document.title = new URL(location).searchParams.get("p");
			setTimeout(() => alert("you are " + document.title), 50);
			history.replaceState({}, "", "/in/" + encodeURIComponent(document.title))</script>%s`, pageScript(t))
	}))
	t.Cleanup(site.Close)
	var log bytes.Buffer
	environment := map[string]string{"SHOP_PASSWORD": secret, "SHOP_SEED": "JBSWY3DPEHPK3PXP"}
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) {
		o.Getenv = func(name string) string { return environment[name] }
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		path, err := chrome.Find(os.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		o.Launch = chrome.Opener(chrome.Options{Path: path, ProfileRoot: t.TempDir(), Log: o.Log})
	})
	result := runner.Run(t.Context(), load(t, `
name: J
variables: {password: {secret: SHOP_PASSWORD}, code: {totp: SHOP_SEED}, user: anna}
steps:
  - navigate: /
  - change: {selectors: "#p", value: "${password}"}
  - {timeout: 10s, change: {selectors: "#c", value: "${code}"}}
  - click: {selectors: text/Go, assertedEvents: [{type: navigation}]}
  - timeout: 300ms
    waitForElement: "text/${password} ${user}"
`), synthetic.RunOptions{BaseURL: site.URL, Variables: map[string]string{"user": "bob"}})
	run := sink.run()
	if run.Outcome != beacon.RunFailed || run.StepsDone != 4 || !strings.Contains(run.Message, "*** bob") {
		t.Errorf("got %+v", run)
	}
	code := strings.TrimPrefix(<-entered, secret+" ")
	if len(code) != 6 || len(sink.pages) == 0 {
		t.Errorf("entered the code %q, %d reports of pages", code, len(sink.pages))
	}
	told, err := json.Marshal([]any{result, sink.runs, sink.pages})
	if err != nil {
		t.Fatal(err)
	}
	escaped, _ := json.Marshal(secret)
	for _, form := range []string{secret, url.PathEscape(secret), url.QueryEscape(secret), string(escaped[1 : len(escaped)-1]), code, "JBSWY3DPEHPK3PXP"} {
		if strings.Contains(string(told), form) || strings.Contains(log.String(), form) {
			t.Errorf("%q shows in %s\n%s", form, told, &log)
		}
	}
	if !strings.Contains(log.String(), "you are ***") {
		t.Errorf("the dialog is not logged: %s", &log)
	}
	if !strings.Contains(string(told), "***") {
		t.Errorf("no report of a page was redacted: %s", told)
	}
}

// pageScript reports the page's address with a custom view name.
func pageScript(t testing.TB) string {
	t.Helper()
	return `<script>setTimeout(() => globalThis[__throughline_inject.binding](JSON.stringify({v: 1, sent_at_ms: Date.now(), source: "synthetic",
		session_id: "0123456789abcdef", view: {id: "0123456789abcdef", url: location.href, navigation: "navigate"},
		events: [{id: "0123456789abcdef", at_ms: Date.now(), page_view: {phase: "early"}}]})))</script>`
}

func TestRun_VariableMissing(t *testing.T) {
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) {
		o.Getenv = func(string) string { return "" }
		o.Launch = nil // nothing may be launched
	})
	begun := time.Now()
	result := runner.Run(t.Context(), load(t, `
name: J
variables: {password: {secret: SHOP_PASSWORD}}
steps: [{navigate: "https://shop.example/${password}"}]
`), synthetic.RunOptions{})
	run := sink.run()
	if run.Outcome != beacon.RunAgentError || run.Reason != beacon.ReasonCommandRefused ||
		!strings.Contains(run.Message, "the secret SHOP_PASSWORD is not in the environment") {
		t.Errorf("got %+v", run)
	}
	if result.Total != 1 || len(result.Steps) != 0 || result.Started.Before(begun) {
		t.Errorf("got %+v", result)
	}
}

package synthetic_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
	"throughline/synthetic/probe"
)

// newLobby serves a login without a page, and a page that says who is logged in.
func newLobby(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "anna", HttpOnly: true, Path: "/", MaxAge: 600, SameSite: http.SameSiteLaxMode})
		http.SetCookie(w, &http.Cookie{Name: "lamp", Value: "on"})
		http.SetCookie(w, &http.Cookie{Name: "stray", Value: "x", Domain: "example.org"})
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Path: "/", MaxAge: -1})
		http.SetCookie(w, &http.Cookie{Name: "lamp", Expires: time.Unix(1, 0)})
	})
	mux.HandleFunc("GET /cookies", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "has "+r.Header.Get("Cookie")+".")
	})
	mux.HandleFunc("GET /hall", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><p id=who>has %s.</p><script>document.cookie = "theme=dark"</script>`, r.Header.Get("Cookie"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// A login by a request holds in the page, and what the page sets goes with requests.
func TestRequest_SharesThePagesCookies(t *testing.T) {
	lobby := newLobby(t)
	runner, _ := newRunner(t, func(o *synthetic.RunnerOptions) { o.Requester = probe.New(probe.Options{}) })
	result := runner.Run(t.Context(), load(t, `
name: Lobby
steps:
  - request: {method: POST, url: /login}
  - navigate: /hall
  - assert: {selectors: "#who", text_is: "has session=anna; lamp=on."}
  - request: {url: /cookies, expect: {body_contains: ["session=anna", "lamp=on", "theme=dark"]}}
  - request: {method: POST, url: /logout}
  - navigate: /hall
  - assert: {selectors: "#who", text_is: "has theme=dark."}
  - request: {url: /cookies, expect: {body_contains: "has theme=dark."}}
`), synthetic.RunOptions{BaseURL: lobby.URL})
	if result.Outcome != beacon.RunPassed {
		t.Errorf("%s: %s: %s", result.FailedStep, result.Reason, result.Message)
	}
}

// Requests carry the trace of their step to the hosts that are told, and no others.
func TestRequest_CarriesTheTrace(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get(synthetic.TraceHeader))
	}))
	t.Cleanup(server.Close)
	runner, _ := newProber(t)
	elsewhere := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	result := runner.Run(t.Context(), load(t, `
name: Traced
page: {trace_hosts: [127.0.0.1]}
variables: {way: ftp, own: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01}
steps:
  - request: /a
  - request: `+elsewhere+`/b
  - request: {url: /c, headers: {traceparent: "${own}"}}
  - request: ${way}://127.0.0.1/d
`), synthetic.RunOptions{BaseURL: server.URL})
	if len(result.Steps) != 4 || len(got) != 3 {
		t.Fatalf("got %+v, and requests with %q", result, got)
	}
	id := result.Steps[0].TraceID
	if len(id) != 32 || !strings.HasPrefix(got[0], "00-"+id+"-") {
		t.Errorf("the step has %q, its request %q", id, got[0])
	}
	if got[1] != "" || !strings.HasPrefix(got[2], "00-0af7651916cd43dd8448eb211c80319c-") {
		t.Errorf("got %q", got)
	}
	for _, step := range result.Steps[1:] {
		if step.TraceID != "" {
			t.Errorf("%s has %q", step.Name, step.TraceID)
		}
	}
}

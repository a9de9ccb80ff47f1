package synthetic_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"throughline/beacon"
	"throughline/synthetic"
)

// Each step has a trace of its own, which only the hosts that are listed see.
func TestRun_Trace(t *testing.T) {
	var mu sync.Mutex
	heard := map[string]string{}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		heard[r.URL.Path] = r.Header.Get("Traceparent")
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>x</title>")
	}))
	t.Cleanup(func() { site.CloseClientConnections(); site.Close() })
	journey := load(t, "name: J\nsteps: [navigate: /a, navigate: /b]")
	runner, _ := newRunner(t, func(o *synthetic.RunnerOptions) { o.TraceHosts = []string{"127.0.0.1"} })
	result := runner.Run(t.Context(), journey, synthetic.RunOptions{BaseURL: site.URL})
	if result.Outcome != beacon.RunPassed || len(result.Steps) != 2 || result.Steps[0].TraceID == result.Steps[1].TraceID {
		t.Fatalf("got %+v", result)
	}
	for i, path := range []string{"/a", "/b"} {
		if id := result.Steps[i].TraceID; len(id) != 32 || !strings.HasPrefix(heard[path], "00-"+id+"-") {
			t.Errorf("%s was sent %q, the step says %q", path, heard[path], id)
		}
	}
	plain, _ := newRunner(t, nil)
	result = plain.Run(t.Context(), journey, synthetic.RunOptions{BaseURL: site.URL})
	if heard["/a"] != "" || result.Steps[0].TraceID != "" {
		t.Errorf("without hosts %q was sent, and the step says %q", heard["/a"], result.Steps[0].TraceID)
	}
}

// A journey reaches what it names on this machine, and nothing else there.
func TestRun_Guard(t *testing.T) {
	secrets := newShop(t)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, secrets.URL+"/wait", http.StatusFound)
		}
	}))
	t.Cleanup(func() { shop.CloseClientConnections(); shop.Close() })
	runner, _ := newRunner(t, nil)
	away := load(t, "name: J\nsteps: [navigate: /, navigate: /away]")
	result := runner.Run(t.Context(), away, synthetic.RunOptions{BaseURL: shop.URL})
	if result.Outcome != beacon.RunFailed || len(result.Steps) != 2 || !strings.Contains(result.Message, secrets.URL+"/wait is on the machine") {
		t.Errorf("got %s %q", result.Outcome, result.Message)
	}
	named := load(t, "name: J\nsteps: [navigate: /, navigate: /away, navigate: '"+secrets.URL+"']")
	if result := runner.Run(t.Context(), named, synthetic.RunOptions{BaseURL: shop.URL}); result.Outcome != beacon.RunPassed {
		t.Errorf("what a step names: %s %q", result.Outcome, result.Message)
	}
	allowing, _ := newRunner(t, func(o *synthetic.RunnerOptions) { o.AllowHosts = []string{strings.TrimPrefix(secrets.URL, "http://")} })
	if result := allowing.Run(t.Context(), away, synthetic.RunOptions{BaseURL: shop.URL}); result.Outcome != beacon.RunPassed {
		t.Errorf("what is listed: %s %q", result.Outcome, result.Message)
	}
}

// A login is used again where it is meant to be, and nowhere else.
func TestRun_State(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/", HttpOnly: true})
			fmt.Fprint(w, `<script>localStorage.token = "t1"</script>`)
			return
		}
		_, err := r.Cookie("session")
		fmt.Fprintf(w, `<script>document.title = "%t " + localStorage.token</script>`, err == nil)
	}))
	t.Cleanup(func() { site.CloseClientConnections(); site.Close() })
	runner, _ := newRunner(t, nil)
	login := runner.Run(t.Context(), load(t, "name: J\nsteps: [navigate: /login]"), synthetic.RunOptions{BaseURL: site.URL, KeepState: true})
	if login.Outcome != beacon.RunPassed || login.State == nil || len(login.State.Cookies) != 1 {
		t.Fatalf("got %+v", login)
	}
	account := func(title string) *synthetic.Journey {
		return load(t, "name: J\nsteps: [{timeout: 3s, navigate: {url: /account, assertedEvents: [{type: navigation, title: "+title+"}]}}]")
	}
	if result := runner.Run(t.Context(), account("true t1"), synthetic.RunOptions{BaseURL: site.URL, State: login.State}); result.Outcome != beacon.RunPassed || result.State != nil {
		t.Errorf("with the state: %s %q", result.Outcome, result.Message)
	}
	if result := runner.Run(t.Context(), account("false undefined"), synthetic.RunOptions{BaseURL: site.URL}); result.Outcome != beacon.RunPassed {
		t.Errorf("without: %s %q", result.Outcome, result.Message)
	}
}

// A password is typed, sent, echoed and logged by a page, and yet in nothing that
// leaves the run.
func TestRun_SecretsStayInTheRun(t *testing.T) {
	const password = `hunter "2" & <co>`
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/login":
			fmt.Fprint(w, `<!doctype html><input type=password id=pw><button onclick="
				const pw = document.querySelector('#pw').value; console.error('typed ' + pw); console.log({pw}, [pw]);
				fetch('/echo/' + encodeURIComponent(pw) + '?pw=' + encodeURIComponent(pw), {headers: {'X-Pw': btoa(pw)}}).then(r => { document.title = pw; throw new Error(pw) })">Go</button>`)
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(func() { site.CloseClientConnections(); site.Close() })
	var log bytes.Buffer
	shelf := &shelf{}
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) {
		o.Keeper, o.Log = shelf, slog.New(slog.NewTextHandler(&log, nil))
		o.Getenv = func(string) string { return password }
	})
	result := runner.Run(t.Context(), load(t, `
name: J
variables: {pw: {secret: PW}}
steps:
  - navigate: /login
  - change: {selectors: "#pw", value: "${pw}"}
  - {timeout: 3s, click: {selectors: text/Go, assertedEvents: [{type: navigation, title: x}]}}
`), synthetic.RunOptions{BaseURL: site.URL, KeepQueries: true, Screenshots: synthetic.Always})
	if result.Outcome != beacon.RunFailed || !strings.Contains(result.Message, "answered 500") || len(result.Artifacts) != 5 {
		t.Fatalf("got %+v with %v", result, names(result.Artifacts))
	}
	text := fmt.Sprintf("%+v %+v %s", result.Steps, sink.runs, &log)
	for _, artifact := range result.Artifacts {
		text += artifact.Name + string(artifact.Data)
	}
	if strings.Contains(text, "hunter") {
		i := strings.Index(text, "hunter")
		t.Errorf("the password shows: …%q…", text[max(0, i-200):min(len(text), i+50)])
	}
}

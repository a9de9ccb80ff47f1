package chrome

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"throughline/synthetic"
)

// workerScript tells that it runs, and what becomes of two requests: one to its own site
// and one that its address names.
const workerScript = `
const ask = async say => {
	say("runs")
	for (const address of ["/own", new URLSearchParams(location.search).get("to")]) {
		await fetch(address, {mode: "no-cors"}).then(() => say("sent"), () => say("kept"))
	}
}
if (self.SharedWorkerGlobalScope) self.onconnect = e => ask(text => e.ports[0].postMessage(text))
else if (self.ServiceWorkerGlobalScope) self.onmessage = e => e.waitUntil(ask(text => e.source.postMessage(text)))
else if (location.search.includes("nest")) new Worker(location.href.replace("nest", "")).onmessage = e => postMessage(e.data)
else ask(postMessage)
`

// workerPage starts a worker of each kind.
const workerPage = `<script>
function start(kind, to) {
	return new Promise(done => {
		const said = [], hear = e => { if (said.push(e.data) === 3) done(said) }, address = "/worker.js?to=" + encodeURIComponent(to)
		setTimeout(() => done(said), 10000)
		switch (kind) {
		case "dedicated": new Worker(address).onmessage = hear; break
		case "nested": new Worker(address + "&nest").onmessage = hear; break
		case "shared": new SharedWorker(address).port.onmessage = hear; break
		case "service":
			navigator.serviceWorker.onmessage = hear
			navigator.serviceWorker.startMessages()
			navigator.serviceWorker.register(address)
			navigator.serviceWorker.ready.then(r => r.active.postMessage("begin"))
		}
	})
}
</script>`

// Workers of all kinds run, and are guarded and recorded as their page is.
func TestWorkers(t *testing.T) {
	t.Parallel()
	secrets, browser := newSecrets(t), launch(t, nil)
	site := newEar(t, map[string]http.HandlerFunc{
		"/": markup(workerPage),
		"/worker.js": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(workerScript))
		},
	})
	for _, kind := range []string{"dedicated", "nested", "shared", "service"} {
		for name, c := range map[string]struct {
			allow []string
			want  []string
		}{
			"guarded": {[]string{hostOf(t, site.Server)}, []string{"runs", "sent", "kept"}},
			"open":    {nil, []string{"runs", "sent", "sent"}},
		} {
			page := open(t, browser, synthetic.PageOptions{AllowHosts: c.allow})
			visit(t, page, site.URL+"/")
			to := secrets.URL + "/" + kind + "/" + name
			got, err := page.Evaluate(within(t, patience), `start("`+kind+`", "`+to+`")`)
			if err != nil {
				t.Errorf("%s, %s: %v", kind, name, err)
				continue
			}
			var said []string
			check(t, json.Unmarshal(got, &said))
			if !slices.Equal(said, c.want) {
				t.Errorf("%s, %s: %v, want %v", kind, name, said, c.want)
			}
			if !slices.ContainsFunc(page.Record().Exchanges, func(e synthetic.Exchange) bool { return e.URL == site.URL+"/own" }) {
				t.Errorf("%s, %s: its request is not recorded", kind, name)
			}
			check(t, page.Close(t.Context()))
		}
	}
	secrets.mu.Lock()
	defer secrets.mu.Unlock()
	for _, r := range secrets.heard {
		if r.URL.Path[len(r.URL.Path)-len("guarded"):] == "guarded" {
			t.Errorf("%s was sent", r.URL)
		}
	}
}

// A page finds no service worker of an earlier one, and nothing in the cache.
func TestNewPage_SharesNoWorkerAndNoCache(t *testing.T) {
	t.Parallel()
	browser := launch(t, nil)
	site := newEar(t, map[string]http.HandlerFunc{
		"/": markup(`<script src=/kept.js></script>`),
		"/kept.js": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			w.Header().Set("Cache-Control", "max-age=3600")
		},
		"/worker.js": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/javascript") },
	})
	for range 2 {
		page := open(t, browser, synthetic.PageOptions{})
		visit(t, page, site.URL+"/")
		got, err := page.Evaluate(within(t, patience), `navigator.serviceWorker.getRegistrations().then(all => all.length)`)
		if err != nil || string(got) != "0" {
			t.Errorf("%s service workers, %v", got, err)
		}
		_, err = page.Evaluate(within(t, patience), `navigator.serviceWorker.register("/worker.js").then(() => navigator.serviceWorker.ready).then(() => 1)`)
		check(t, err)
		visit(t, page, site.URL+"/") // from the cache
		check(t, page.Close(t.Context()))
	}
	site.mu.Lock()
	defer site.mu.Unlock()
	asked := 0
	for _, r := range site.heard {
		if r.URL.Path == "/kept.js" {
			asked++
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times for what may be kept, want once in each page", asked)
	}
}

//go:build linux

package chrome

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"throughline/synthetic"
)

// newNoisySite serves pages that leave traces.
func newNoisySite(t testing.TB) *httptest.Server {
	t.Helper()
	pages := map[string]string{
		"/noise": `<script>console.log("hello", 7, {a: 1}); console.error("bad at https://x.example/y?token=hush"); console.warn("hm");
			Promise.reject(new Error("nobody cares")); setTimeout(() => { throw new TypeError("thrown") })</script><img src="/absent.png?k=hush">`,
		"/spam":   `<script>console.error("first"); for (let i = 0; i < 500; i++) console.log("line " + i + "x".repeat(5000)); document.title = "done"</script>`,
		"/dialog": `<script>alert("are you there?"); document.title = "done"</script>`,
		"/pay": `<button onclick="fetch('/api/pay?card=hush', {method: 'POST', headers: {'X-Token': 'hush', 'Authorization': 'Bearer hush'}}).then(r => document.title = r.status)">Pay</button>
			<button onclick="fetch('http://127.0.0.1:1/x').catch(() => document.title = 'refused')">Refuse</button>
			<img src="/decor.png">`,
		"/waits":  `<script>new EventSource("/never"); fetch("/never?long"); document.title = "waits"</script>`,
		"/socket": `<script>new WebSocket("ws://" + location.host + "/never?key=hush")</script>`,
		"/blue":   `<body style="background:rgb(0,0,255)"><button onclick="document.body.style.background='rgb(0,255,0)'; setTimeout(() => { for (;;); }, 200)">Hang</button>`,
		"/busy":   `<body><script>let n = 0; const f = () => { document.body.style.background = "rgb(" + n++ % 256 + ",0,0)"; requestAnimationFrame(f) }; f()</script>`,
	}
	mux := http.NewServeMux()
	for path, body := range pages {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Set-Cookie", "session=hush")
			fmt.Fprint(w, "<!doctype html>", body)
		})
	}
	mux.HandleFunc("GET /moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/pay?from=hush", http.StatusFound) })
	mux.HandleFunc("POST /api/pay", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	release := make(chan struct{})
	mux.HandleFunc("GET /never", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	site := httptest.NewServer(mux)
	t.Cleanup(func() { close(release); site.CloseClientConnections(); site.Close() })
	return site
}

// wantMessage finds a message by its words.
func wantMessage(t *testing.T, page *Page, level, source, words string) synthetic.Message {
	t.Helper()
	var found synthetic.Message
	eventually(t, source+" "+words, func() bool {
		for _, message := range page.Record().Messages {
			if message.Level == level && message.Source == source && strings.Contains(message.Text, words) {
				found = message
				return true
			}
		}
		return false
	})
	return found
}

func TestRecord_Console(t *testing.T) {
	t.Parallel()
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	begun := time.Now()
	page.BeginStep(3, "")
	visit(t, page, site.URL+"/noise?pw=hush")
	message := wantMessage(t, page, synthetic.LevelInfo, "console", "hello 7 Object")
	if message.Step != 3 || message.URL != site.URL+"/noise" || message.Line != 1 || message.At.Sub(begun).Abs() > time.Minute {
		t.Errorf("got %+v", message)
	}
	wantMessage(t, page, synthetic.LevelError, "console", "bad at https://x.example/y")
	wantMessage(t, page, synthetic.LevelWarning, "console", "hm")
	wantMessage(t, page, synthetic.LevelError, "exception", "Uncaught (in promise) Error: nobody cares")
	wantMessage(t, page, synthetic.LevelError, "exception", "TypeError: thrown")
	message = wantMessage(t, page, synthetic.LevelError, "network", "404")
	if message.URL != site.URL+"/absent.png" {
		t.Errorf("got %+v", message)
	}
	if errors := page.ConsoleErrors(); len(errors) != 4 {
		t.Errorf("errors: %q", errors)
	}
	if text := fmt.Sprintf("%+v", page.Record()); strings.Contains(text, "hush") {
		t.Errorf("the query of an address shows: %s", text)
	}
}

func TestRecord_ConsoleIsBounded(t *testing.T) {
	t.Parallel()
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/spam")
	wantTitle(t, page, "done")
	wantMessage(t, page, synthetic.LevelInfo, "console", "line 499")
	wantMessage(t, page, synthetic.LevelError, "console", "first")
	record := page.Record()
	if len(record.Messages) != maxMessages || record.LostMessages != 401 {
		t.Errorf("%d messages, %d lost", len(record.Messages), record.LostMessages)
	}
	for _, message := range record.Messages {
		if len(message.Text) > maxMessageBytes {
			t.Errorf("a message has %d bytes", len(message.Text))
		}
	}
}

func TestRecord_Dialogs(t *testing.T) {
	t.Parallel()
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/dialog")
	wantTitle(t, page, "done")
	wantMessage(t, page, synthetic.LevelInfo, "dialog", "alert dismissed: are you there?")
}

// exchangeOf finds a request by the end of its address.
func exchangeOf(t *testing.T, page *Page, suffix string) synthetic.Exchange {
	t.Helper()
	for _, exchange := range page.Record().Exchanges {
		if strings.HasSuffix(exchange.URL, suffix) {
			return exchange
		}
	}
	t.Fatalf("no request to %s in %+v", suffix, page.Record().Exchanges)
	return synthetic.Exchange{}
}

func TestRecord_Requests(t *testing.T) {
	t.Parallel()
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	page.BeginStep(0, "")
	visit(t, page, site.URL+"/moved?from=hush#part")
	if request := page.FailedRequest(); request != "GET "+site.URL+"/decor.png answered 404" {
		t.Errorf("got %q", request)
	}
	page.BeginStep(1, "")
	if request := page.FailedRequest(); request != "" {
		t.Errorf("got %q of the step before", request)
	}
	check(t, click(within(t, patience), page, selectors(t, "text/Pay"), synthetic.ClickOptions{}))
	wantTitle(t, page, "500")
	if request := page.FailedRequest(); request != "POST "+site.URL+"/api/pay answered 500" {
		t.Errorf("got %q", request)
	}
	check(t, click(within(t, patience), page, selectors(t, "text/Refuse"), synthetic.ClickOptions{}))
	wantTitle(t, page, "refused")
	if request := page.FailedRequest(); !strings.HasPrefix(request, "GET http://127.0.0.1:1/x failed: net::ERR_") {
		t.Errorf("got %q", request)
	}
	moved, document, pay := exchangeOf(t, page, "/moved"), exchangeOf(t, page, "/pay"), exchangeOf(t, page, "/api/pay")
	if moved.Status != 302 || moved.Redirect != site.URL+"/pay" || moved.Pending || moved.Step != 0 {
		t.Errorf("got %+v", moved)
	}
	if document.Status != 200 || document.MediaType != "text/html" || document.Kind != "document" || document.Protocol != "http/1.1" ||
		document.Server != "127.0.0.1" || document.ReceivedBytes == 0 || document.Duration <= 0 || document.Phases.Wait <= 0 {
		t.Errorf("got %+v", document)
	}
	if pay.Method != "POST" || pay.Status != 500 || pay.Step != 1 || pay.Kind != "fetch" {
		t.Errorf("got %+v", pay)
	}
	if text := fmt.Sprintf("%+v", page.Record()); strings.Contains(text, "hush") {
		t.Errorf("a secret shows: %s", text)
	}
}

func TestRecord_Queries(t *testing.T) {
	t.Parallel()
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{Evidence: synthetic.EvidenceOptions{Queries: true}})
	visit(t, page, strings.Replace(site.URL, "//", "//user:hush@", 1)+"/pay?from=here#part")
	exchangeOf(t, page, site.URL+"/pay?from=here")
}

// What never ends does not hold a step, and is told to be pending.
func TestRecord_Pending(t *testing.T) {
	t.Parallel()
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/waits")
	wantTitle(t, page, "waits")
	visitSocket := open(t, browser, synthetic.PageOptions{})
	visit(t, visitSocket, site.URL+"/socket")
	for _, page := range []*Page{page, visitSocket} {
		exchange := exchangeOf(t, page, "/never")
		if !exchange.Pending || exchange.Status != 0 || exchange.Duration <= 0 || exchange.Phases.Wait != exchange.Duration {
			t.Errorf("got %+v", exchange)
		}
	}
}

func TestTraffic_IsBounded(t *testing.T) {
	traffic := newTraffic(false)
	for i := range 3 * maxExchanges {
		traffic.add(&exchange{id: "x", Exchange: synthetic.Exchange{Step: i}})
	}
	exchanges, lost := traffic.all(time.Now())
	if len(exchanges) != maxExchanges || lost != 2*maxExchanges || exchanges[0].Step != 2*maxExchanges || len(traffic.open) != 1 {
		t.Errorf("%d kept, %d lost, the first is %d, %d open", len(exchanges), lost, exchanges[0].Step, len(traffic.open))
	}
}

func decode(t *testing.T, data []byte) image.Image {
	t.Helper()
	picture, err := jpeg.Decode(bytes.NewReader(data))
	check(t, err)
	return picture
}

func wantColour(t *testing.T, picture image.Image, x, y int, what string, fits func(r, g, b uint32) bool) {
	t.Helper()
	r, g, b, _ := picture.At(x, y).RGBA()
	if !fits(r>>8, g>>8, b>>8) {
		t.Errorf("at %d,%d is %d,%d,%d, want %s", x, y, r>>8, g>>8, b>>8, what)
	}
}

func TestScreenshot(t *testing.T) {
	t.Parallel()
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{Viewport: synthetic.Viewport{Width: 640, Height: 480, DeviceScaleFactor: 1}})
	visit(t, page, site.URL+"/blue?pw=hush")
	data, err := page.Screenshot(t.Context())
	check(t, err)
	picture := decode(t, data)
	if picture.Bounds().Dx() != 640 || picture.Bounds().Dy() != 480 {
		t.Errorf("has the size %v", picture.Bounds())
	}
	wantColour(t, picture, 600, 400, "blue", func(r, g, b uint32) bool { return b > 200 && r < 60 && g < 60 })
	if bytes.Contains(data, []byte("hush")) || bytes.Contains(data, []byte("127.0.0.1")) {
		t.Error("the picture holds the address")
	}
}

// What a step does in a popup is to be seen there, and the page again with the next step.
func TestScreenshot_Popup(t *testing.T) {
	t.Parallel()
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/blue")
	_, err := page.Evaluate(within(t, patience), `void window.open("/busy")`)
	check(t, err)
	page.BeginStep(1, "")
	_, err = page.In(within(t, patience), synthetic.Place{Target: site.URL + "/busy"})
	check(t, err)
	notBlue := func(_, g, b uint32) bool { return g < 60 && b < 60 }
	data, err := page.Screenshot(t.Context())
	check(t, err)
	wantColour(t, decode(t, data), 700, 400, "no blue, in the popup", notBlue)
	page.BeginStep(2, "")
	data, err = page.Screenshot(t.Context())
	check(t, err)
	wantColour(t, decode(t, data), 700, 400, "blue", func(r, g, b uint32) bool { return b > 200 && r < 60 && g < 60 })
}

// A page that hangs is shown as it was when it began to.
func TestScreenshot_HangingPage(t *testing.T) {
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/blue")
	_, err := page.Click(within(t, patience), selectors(t, "text/Hang"), synthetic.ClickOptions{})
	check(t, err)
	err = page.WaitForExpression(within(t, tooShort), "false")
	if err == nil {
		t.Fatal("the page does not hang")
	}
	begun := time.Now()
	data, err := page.Screenshot(t.Context())
	check(t, err)
	if took := time.Since(begun); took > screenshotTimeout {
		t.Errorf("took %s", took)
	}
	wantColour(t, decode(t, data), 1000, 700, "green", func(r, g, b uint32) bool { return g > 200 && r < 60 && b < 60 })
}

// Of a page that is gone there is what was filmed, or an error, at once.
func TestScreenshot_DeadPage(t *testing.T) {
	site, browser := newNoisySite(t), launch(t, nil)
	for _, filmed := range []bool{true, false} {
		page := open(t, browser, synthetic.PageOptions{Evidence: synthetic.EvidenceOptions{Film: filmed}})
		visit(t, page, site.URL+"/blue")
		if filmed {
			eventually(t, "a picture of the film", func() bool { return len(page.Record().Film) > 0 })
		}
		_, _ = page.Navigate(within(t, patience), "chrome://crash")
		begun := time.Now()
		data, err := page.Screenshot(t.Context())
		if (err == nil) != filmed || (len(data) > 0) != filmed || time.Since(begun) > tooShort {
			t.Errorf("filmed %t: %d bytes, %v after %s", filmed, len(data), err, time.Since(begun))
		}
	}
}

func TestFilm(t *testing.T) {
	t.Parallel()
	site, browser := newNoisySite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{Evidence: synthetic.EvidenceOptions{Film: true}})
	page.BeginStep(2, "")
	visit(t, page, site.URL+"/busy")
	eventually(t, "a film", func() bool { return len(page.Record().Film) > 5 })
	film := page.Record().Film
	for i, picture := range film {
		if size := decode(t, picture.JPEG).Bounds(); size.Dx() > filmWidth || size.Dy() > filmHeight {
			t.Errorf("picture %d has the size %v", i, size)
		}
	}
	if last := film[len(film)-1]; last.Step != 2 {
		t.Errorf("the last picture is of step %d", last.Step)
	}
	if took := film[len(film)-1].At.Sub(film[0].At); took < time.Duration(len(film)-2)*pictureInterval {
		t.Errorf("%d pictures in %s are too many", len(film), took)
	}
	full := newFilm(true)
	for range 3 * maxPictures {
		full.add(synthetic.Picture{JPEG: make([]byte, maxFilmBytes/10)})
	}
	if len(full.pictures) != 10 || full.bytes > maxFilmBytes {
		t.Errorf("%d pictures, %d bytes", len(full.pictures), full.bytes)
	}
}

package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/admission"
)

func pack(t testing.TB, texts ...string) string {
	t.Helper()
	var packed bytes.Buffer
	for _, text := range texts { // each a member of its own
		writer := gzip.NewWriter(&packed)
		if _, err := io.WriteString(writer, text); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return packed.String()
}

func TestCollect_UnpacksGzip(t *testing.T) {
	good := fixture(t, "good_early_report")
	packed := pack(t, good)
	flipped := []byte(packed)
	flipped[len(flipped)/2] ^= 0x10
	checksum := []byte(packed)
	checksum[len(checksum)-6] ^= 1
	pad := func(size int) string { return good + strings.Repeat(" ", size-len(good)) }
	named := func(encoding string) map[string]string { return map[string]string{"Content-Encoding": encoding} }
	agent := map[string]string{"Authorization": beacon.AgentToken(token, time.Now())}
	for name, c := range map[string]struct {
		body    string
		headers map[string]string
		status  int
		answer  string
	}{
		"by its header":                {packed, named("gzip"), 202, `{"accepted":3}`},
		"by its header, in capitals":   {packed, named("GZIP"), 202, `{"accepted":3}`},
		"by its old name":              {packed, named("x-gzip"), 202, `{"accepted":3}`},
		"by its first bytes":           {packed, nil, 202, `{"accepted":3}`},
		"as what it is not":            {packed, named("identity"), 202, `{"accepted":3}`},
		"in several members":           {pack(t, good[:100], "", good[100:]), nil, 202, `{"accepted":3}`},
		"not packed":                   {good, named("identity"), 202, `{"accepted":3}`},
		"at the limit":                 {pack(t, pad(beacon.MaxBrowserBodyBytes)), nil, 202, `{"accepted":3}`},
		"above the limit":              {pack(t, pad(beacon.MaxBrowserBodyBytes+1)), nil, 413, "too_large"},
		"an agent's, at the limit":     {pack(t, pad(beacon.MaxAgentBodyBytes)), agent, 202, `{"accepted":3}`},
		"an agent's, above the limit":  {pack(t, pad(beacon.MaxAgentBodyBytes+1)), agent, 413, "too_large"},
		"a bomb":                       {pack(t, strings.Repeat("\x00", 4<<20)), nil, 413, "too_large"},
		"packed twice":                 {pack(t, packed), named("gzip"), 415, "unsupported_encoding"},
		"packed twice, and says so":    {pack(t, packed), named("gzip, gzip"), 415, "or as gzip"},
		"another encoding":             {good, named("br"), 415, "or as gzip"},
		"nonsense for an encoding":     {good, named(strings.Repeat("x", 1000)), 415, "or as gzip"},
		"not gzip, though it says so":  {good, named("gzip"), 400, "corrupt_gzip"},
		"nothing, though it says gzip": {"", named("gzip"), 400, "cut off"},
		"cut off":                      {packed[:len(packed)-20], nil, 400, "cut off"},
		"cut off in its trailer":       {packed[:len(packed)-1], nil, 400, "cut off"},
		"cut off in its header":        {packed[:5], nil, 400, "cut off"},
		"cut off in a second header":   {packed + "\x1f\x8b\x08\x08000000name", nil, 400, "cut off"},
		"damaged":                      {string(flipped), nil, 400, "corrupt_gzip"},
		"with a wrong checksum":        {string(checksum), nil, 400, "damaged"},
		"with something behind it":     {packed + strings.Repeat("x", 20), nil, 400, "damaged"},
		"no report":                    {pack(t, "{"), nil, 400, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			response, answer := openDoor(t, 64<<10).post(t, "?key="+key, c.body, c.headers)
			if response.StatusCode != c.status || !strings.Contains(answer, c.answer) {
				t.Errorf("%d %s\nwant %d with %s", response.StatusCode, answer, c.status, c.answer)
			}
		})
	}
}

// Two header fields are one list.
func TestCollect_RefusesTwoEncodings(t *testing.T) {
	d := openDoor(t, 64<<10)
	request := httptest.NewRequest(http.MethodPost, "/v1/events?key="+key, strings.NewReader(pack(t, "{}")))
	request.Header = http.Header{"Origin": {origin}, "Content-Encoding": {"gzip", "br"}}
	recorder := httptest.NewRecorder()
	d.Config.Handler.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusUnsupportedMediaType {
		t.Errorf("status %d", recorder.Code)
	}
}

// A bomb costs no more memory than the largest report.
func TestContent_TakesLittleMemoryForABomb(t *testing.T) {
	s := openDoor(t, 64<<10).Config.Handler.(*Server)
	bomb := []byte(pack(t, strings.Repeat("\x00", 4<<20)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const rounds = 10
	for range rounds {
		b := s.newBody(s.Admission.Account("shop", ingest.Limits{}))
		b.arrived.bytes = append(b.arrived.bytes, bomb...)
		if _, err := s.content(b, true, "shop", beacon.MaxBrowserBodyBytes); err == nil {
			t.Fatal("a bomb was unpacked")
		}
		s.release(b)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / rounds; each > 8*beacon.MaxBrowserBodyBytes {
		t.Errorf("a bomb takes %d bytes", each)
	}
}

// A body that says it is longer than it comes, or shorter, is not kept.
func TestCollect_DoesNotBelieveTheLength(t *testing.T) {
	d := openDoor(t, 64<<10)
	good := fixture(t, "good_early_report")
	for name, c := range map[string]struct {
		length int64
		status int
	}{
		"too long":  {int64(len(good)) + 1, http.StatusBadRequest},
		"enormous":  {1 << 40, http.StatusBadRequest},
		"not known": {-1, http.StatusAccepted},
	} {
		request := httptest.NewRequest(http.MethodPost, "/v1/events?key="+key, io.MultiReader(strings.NewReader(good), brokenOff(c.length > 0)))
		request.ContentLength = c.length
		request.Header.Set("Origin", origin)
		recorder := httptest.NewRecorder()
		d.Config.Handler.ServeHTTP(recorder, request)
		if recorder.Code != c.status {
			t.Errorf("%s: %d %s", name, recorder.Code, recorder.Body)
		}
	}
}

// brokenOff is what the HTTP server reads at the end of a body that is shorter
// than was said.
func brokenOff(broken bool) io.Reader {
	if broken {
		return readerOf(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF })
	}
	return strings.NewReader("")
}

type readerOf func([]byte) (int, error)

func (r readerOf) Read(p []byte) (int, error) { return r(p) }

// Bodies that are under way are bounded for each app by the memory that they
// take, and counted no longer than they are.
func TestCollect_BoundsBodiesUnderWay(t *testing.T) {
	const maxBytes = 64 << 10 // of which one app may have half
	d := openDoor(t, 64<<10, func(o *Options, _ []ingest.App) {
		o.Admission = admission.New(admission.Options{MaxBodyBytes: maxBytes})
	})
	good := fixture(t, "good_early_report")
	pad := func(size int) string { return good + strings.Repeat(" ", size-len(good)) }
	for range 5 {
		for size, want := range map[int]int{20_000: 202, 40_000: 503} {
			if response, answer := d.post(t, "?key="+key, pad(size), nil); response.StatusCode != want || want == 503 && !strings.Contains(answer, "busy") {
				t.Fatalf("%d bytes: %d %s", size, response.StatusCode, answer)
			}
		}
		// Packed it takes more while it is unpacked.
		for size, want := range map[int]int{10_000: 202, 20_000: 503} {
			if response, answer := d.post(t, "?key="+key, pack(t, pad(size)), nil); response.StatusCode != want {
				t.Fatalf("%d bytes, packed: %d %s", size, response.StatusCode, answer)
			}
		}
	}
}

// A body of which nothing comes takes memory, too.
func TestCollect_CountsBodiesThatDoNotCome(t *testing.T) {
	d := openDoor(t, 64<<10, func(o *Options, _ []ingest.App) {
		o.Admission = admission.New(admission.Options{MaxBodyBytes: 4 * readyBufferBytes})
	})
	silent, end := io.Pipe()
	begun := make(chan struct{}, 2)
	var waiting sync.WaitGroup
	for range 2 {
		waiting.Go(func() {
			request := httptest.NewRequest(http.MethodPost, "/v1/events?key="+key, io.MultiReader(readerOf(func([]byte) (int, error) {
				begun <- struct{}{}
				return 0, io.EOF
			}), silent))
			request.Header.Set("Origin", origin)
			d.Config.Handler.ServeHTTP(httptest.NewRecorder(), request)
		})
		<-begun
	}
	if response, answer := d.post(t, "?key="+key, fixture(t, "good_minimal"), nil); response.StatusCode != 503 {
		t.Errorf("a third body: %d %s", response.StatusCode, answer)
	}
	if response, answer := d.post(t, "?key=other-4f7c2a", fixture(t, "good_minimal"), nil); response.StatusCode != 202 {
		t.Errorf("another app's: %d %s", response.StatusCode, answer)
	}
	_ = end.Close()
	waiting.Wait()
	if response, answer := d.post(t, "?key="+key, fixture(t, "good_minimal"), nil); response.StatusCode != 202 {
		t.Errorf("afterwards: %d %s", response.StatusCode, answer)
	}
}

// Whatever arrives, unpacking ends within the limit, what it takes the standard
// library takes for the same, and what is packed comes out again.
func FuzzContent(f *testing.F) {
	f.Add([]byte(pack(f, "{}")), false)
	f.Add([]byte(pack(f, "{}", "{}")), true)
	f.Add([]byte(pack(f, pack(f, "{}"))), false)
	f.Add([]byte(pack(f, strings.Repeat("x", 5000))), false)
	f.Add([]byte(pack(f, "{}")[:12]), true)
	f.Add([]byte("\x1f\x8b\x08\x1f0123456789"), false)
	f.Add([]byte("{}"), true)
	f.Add([]byte{}, false)
	const limit = 1000
	s, err := New(Options{Service: openMinded{}, Script: noScript, CollectPath: "/v1/events", ScriptPath: "/t", Tracer: noTracer, Meter: noMeter}, nil, "")
	if err != nil {
		f.Fatal(err)
	}
	account := s.Admission.Account("shop", ingest.Limits{})
	f.Fuzz(func(t *testing.T, arrived []byte, packed bool) {
		b := s.newBody(account)
		defer s.release(b)
		b.arrived.bytes = append(b.arrived.bytes, arrived...)
		got, err := s.content(b, packed, "shop", limit)
		if len(b.unpacked.bytes) > limit+1 {
			t.Fatalf("%d bytes were unpacked", len(b.unpacked.bytes))
		}
		if !packed && !bytes.HasPrefix(arrived, gzipMagic) {
			if err != nil || !bytes.Equal(got, arrived) {
				t.Fatalf("a plain body became %q, %v", got, err)
			}
			return
		}
		if want, wantErr := unpackAsStandard(arrived, limit); err == nil && (wantErr != nil || !bytes.Equal(got, want)) {
			t.Fatalf("unpacked %q; the standard library has %q, %v", got, want, wantErr)
		}
		again := s.newBody(account)
		defer s.release(again)
		again.arrived.bytes = append(again.arrived.bytes, pack(t, string(arrived))...)
		got, err = s.content(again, packed, "shop", limit)
		if refused := len(arrived) > limit || bytes.HasPrefix(arrived, gzipMagic); (err != nil) != refused || err == nil && !bytes.Equal(got, arrived) {
			t.Fatalf("%q was packed and unpacked to %q, %v", arrived, got, err)
		}
	})
}

func unpackAsStandard(packed []byte, limit int64) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(reader, limit+1))
	if int64(len(text)) > limit || bytes.HasPrefix(text, gzipMagic) {
		return nil, errors.New("refused")
	}
	return text, err
}

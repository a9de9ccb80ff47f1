package beacon

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
)

// ordinaryBodies are reports as browsers send most of them: one page view with
// vitals and what they are due to, and two requests. No two are alike, since a
// processor learns the branches of a body that it sees again and again.
func ordinaryBodies(tb testing.TB, n int) (bodies [][]byte, meanBytes int64) {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	hex := func() string { return fmt.Sprintf("%016x", random.Uint64()) }
	ms := func(most float64) *float64 { v := float64(int(random.Float64()*most*10)) / 10; return &v }
	total := 0
	for range n {
		sentAt := 1763900000000 + random.Int64N(1e9)
		transaction := func() *TransactionRef { return &TransactionRef{"View product", hex(), "1a2b3c4d"} }
		request := func(path string, size int64) Event {
			return Event{ID: hex(), AtMS: sentAt - 900, Request: &Request{
				Method: "GET", URL: "https://shop.example/api/" + path, Initiator: "fetch", StatusCode: 200,
				DurationMS: *ms(900), RequestMS: ms(300), TransferSizeBytes: &size,
			}}
		}
		cls := float64(random.IntN(3000)) / 10000
		var body bytes.Buffer
		encoder := stdjson.NewEncoder(&body)
		encoder.SetEscapeHTML(false) // as browsers write
		err := encoder.Encode(Report{
			Version: Version, SentAtMS: sentAt, Source: SourceRUM, SDK: "throughline-js/0.1.0", Release: "1.4.2", SessionID: hex(),
			View: &View{
				ID: hex(), URL: fmt.Sprintf("https://shop.example/product/%d", random.IntN(10_000)), Referrer: "https://shop.example/",
				Navigation: NavigationNavigate, ViewportWidthPX: 320 + random.IntN(2000), EffectiveConnectionType: "4g",
			},
			Events: []Event{
				{ID: hex(), AtMS: sentAt - 2000, Transaction: transaction(), PageView: &PageView{
					Phase: PhaseFinal, RequestMS: ms(200), DownloadMS: ms(40), LoadMS: ms(4000), TTFBMS: ms(300),
					FCPMS: ms(1000), LCPMS: ms(3000), INPMS: ms(300), CLS: &cls, LCPElement: "main>img.hero",
					LCPURL: "https://shop.example/static/hero.webp", INPElement: "button#add", CLSElement: "main>aside",
					LCPResourceLoadDelayMS: ms(100), LCPResourceLoadDurationMS: ms(900), LCPElementRenderDelayMS: ms(90),
					INPInputDelayMS: ms(9), INPProcessingDurationMS: ms(90), INPPresentationDelayMS: ms(30), DurationMS: ms(60_000),
				}},
				request("recommendations", random.Int64N(30_000)),
				request("cart", random.Int64N(900)),
			},
		})
		if err != nil {
			tb.Fatal(err)
		}
		bodies = append(bodies, body.Bytes())
		total += body.Len()
	}
	return bodies, int64(total / n)
}

func BenchmarkDecode(b *testing.B) {
	bodies, size := ordinaryBodies(b, 4096)
	b.Run("decode and validate", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, rejects, err := Decode(bodies[i%len(bodies)]); err != nil || rejects != nil {
				b.Fatal(rejects, err)
			}
		}
	})
	b.Run("encoding json decodes", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			var report Report
			if err := stdjson.Unmarshal(bodies[i%len(bodies)], &report); err != nil {
				b.Fatal(err)
			}
		}
	})
}

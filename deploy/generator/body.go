package generator

import (
	"math/rand/v2"
	"strconv"
	"time"

	"throughline/beacon"
)

// EventsPerBody is how many events a body of [Bodies] holds.
const EventsPerBody = 3

// Bodies makes the bodies of POST /v1/events for load: reports of one page view
// of [Shop] with its vitals and two requests, about 1.5 KB. No two are alike,
// and every id is new. It makes one within a few microseconds, so that it
// hardly shows in a measurement. It is not safe for concurrent use: give each
// sender one with a stream of its own.
type Bodies struct {
	ids      ids
	draw     *rand.Rand
	products []string
	releases []string
	widths   []int
	path     string // of the next body, "" to draw one
}

// NewBodies returns the bodies of one stream of a seed. Different streams of a
// seed, below 2^20, have no id in common.
func NewBodies(seed, stream uint64) *Bodies {
	w := newWords(rand.New(rand.NewPCG(seed, worldStream)))
	return &Bodies{
		ids: newIDs(seed, 1+stream), draw: rand.New(rand.NewPCG(seed, bodyStream+stream)),
		products: w.lists["product"], releases: []string{"2.7.0", "2.7.1", "2.8.0"}, widths: append(viewports(desktop), viewports(phone)...),
	}
}

// MarkedSession is the session of marked bodies. Tables are sorted by it, so that
// looking for their rows reads little.
const MarkedSession uint64 = 1<<64 - 1

// Mark gives the next body's page that path, by which it can be found again, and
// its session [MarkedSession]. The path must need no escaping.
func (b *Bodies) Mark(path string) { b.path = path }

// Append appends a body that is sent at that time.
func (b *Bodies) Append(dst []byte, at time.Time) []byte {
	sent := at.UnixMilli()
	loadMS := b.tenths(900, 1)
	begun := sent - int64(loadMS/10)
	product := b.products[b.draw.IntN(len(b.products))]
	path, instance, session := b.path, b.ids.id(), b.ids.id()
	b.path = ""
	if path == "" {
		path = "/product/" + product
	} else {
		session = MarkedSession
	}
	dst = append(dst, `{"v":`...)
	dst = strconv.AppendInt(dst, beacon.Version, 10)
	dst = append(dst, `,"sent_at_ms":`...)
	dst = strconv.AppendInt(dst, sent, 10)
	dst = append(dst, `,"source":"rum","sdk":"`+beaconSDK+`","release":"`...)
	dst = append(dst, b.releases[b.draw.IntN(len(b.releases))]...)
	dst = b.appendID(dst, `","session_id":"`, session)
	dst = b.appendID(dst, `","view":{"id":"`, b.ids.id())
	dst = append(dst, `","url":"https://shop.example`...)
	dst = append(dst, path...)
	dst = append(dst, `","referrer":"https://shop.example/category/mugs","navigation":"navigate","viewport_width_px":`...)
	dst = strconv.AppendInt(dst, int64(b.widths[b.draw.IntN(len(b.widths))]), 10)
	dst = append(dst, `,"effective_connection_type":"4g"},"events":[`...)
	dst = b.appendEvent(dst, begun, instance)
	dst = b.appendView(dst, loadMS)
	dst = append(dst, "}},"...)
	dst = b.appendEvent(dst, begun+int64(loadMS/20), instance)
	dst = b.appendRequest(dst, `GET","url":"https://shop.example/api/stock/`, product, 38)
	dst = append(dst, "}},"...)
	dst = b.appendEvent(dst, begun+int64(loadMS/15), instance)
	dst = b.appendRequest(dst, `GET","url":"https://shop.example/api/recommendations`, "", 165)
	return append(dst, "}}]}"...)
}

// appendEvent begins an event, up to its payload.
func (b *Bodies) appendEvent(dst []byte, atMS int64, instance uint64) []byte {
	dst = b.appendID(dst, `{"id":"`, b.ids.id())
	dst = append(dst, `","at_ms":`...)
	dst = strconv.AppendInt(dst, atMS, 10)
	dst = b.appendID(dst, `,"transaction":{"name":"View product","instance_id":"`, instance)
	return append(dst, `","version":"1a2b3c4d"},`...)
}

// appendView appends the payload of a page view, but for its end.
func (b *Bodies) appendView(dst []byte, loadMS int) []byte {
	requestMS := b.tenths(88, 0.6)
	ttfbMS := requestMS + b.draw.IntN(400)
	dst = append(dst, `"page_view":{"phase":"final","redirect_ms":0`...)
	for _, field := range [...]struct {
		name   string
		tenths int
	}{
		{`,"dns_ms":`, b.tenths(8, 0.8)},
		{`,"tcp_ms":`, b.tenths(20, 0.6)},
		{`,"tls_ms":`, b.tenths(22, 0.6)},
		{`,"request_ms":`, requestMS},
		{`,"download_ms":`, b.tenths(9, 0.5)},
		{`,"dom_interactive_ms":`, ttfbMS + loadMS/2},
		{`,"dom_content_loaded_ms":`, ttfbMS + loadMS*2/3},
		{`,"load_ms":`, ttfbMS + loadMS},
		{`,"ttfb_ms":`, ttfbMS},
		{`,"fcp_ms":`, ttfbMS + b.tenths(110, 0.5)},
		{`,"lcp_ms":`, ttfbMS + b.tenths(240, 0.6)},
		{`,"inp_ms":`, b.tenths(56, 0.6)},
		{`,"duration_ms":`, loadMS + b.tenths(14_000, 1)},
	} {
		dst = append(dst, field.name...)
		dst = appendTenths(dst, field.tenths)
	}
	dst = append(dst, `,"transfer_size_bytes":`...)
	dst = strconv.AppendInt(dst, int64(b.tenths(3800, 0.1)), 10)
	dst = append(dst, `,"status_code":200,"cls":0.0`...)
	dst = strconv.AppendInt(dst, int64(1+b.draw.IntN(899)), 10)
	return append(dst, `,"lcp_element":"main>figure>picture>img","inp_element":"button#add"`...)
}

// appendRequest appends the payload of a request, but for its end.
func (b *Bodies) appendRequest(dst []byte, start, path string, medianMS float64) []byte {
	waitMS := b.tenths(medianMS, 0.6)
	dst = append(dst, `"request":{"method":"`...)
	dst = append(dst, start...)
	dst = append(dst, path...)
	dst = append(dst, `","initiator":"fetch","status_code":200,"duration_ms":`...)
	dst = appendTenths(dst, waitMS+b.draw.IntN(60))
	dst = append(dst, `,"request_ms":`...)
	dst = appendTenths(dst, waitMS)
	dst = append(dst, `,"transfer_size_bytes":`...)
	return strconv.AppendInt(dst, int64(b.tenths(240, 0.3)), 10)
}

// appendID appends an id behind a text.
func (b *Bodies) appendID(dst []byte, before string, id uint64) []byte {
	return appendHex(append(dst, before...), id)
}

// tenths draws a log-normal duration in tenths of a millisecond.
func (b *Bodies) tenths(medianMS, sigma float64) int {
	return int(min(logNormal(b.draw, medianMS, sigma), 1e6) * 10)
}

// appendTenths appends tenths as a decimal number.
func appendTenths(dst []byte, tenths int) []byte {
	dst = strconv.AppendInt(dst, int64(tenths/10), 10)
	return append(dst, '.', byte('0'+tenths%10))
}

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// squeezed is a body of gzip, or what passes for it.
type squeezed struct {
	name string
	// encoding is the header; "" leaves the collector to look for itself.
	encoding string
	chunked  bool // without a length
	make     func(body []byte) []byte
	status   int // that must be answered; 202 takes the report
}

func pack(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // into memory
	_ = w.Close()
	return b.Bytes()
}

func squeezedBodies() []squeezed {
	bomb := pack(bytes.Repeat([]byte(" "), 256<<20)) // a quarter of a MB
	return []squeezed{
		{"good", "gzip", false, pack, http.StatusAccepted},
		{"good, not announced", "", false, pack, http.StatusAccepted},
		{"good, in chunks", "gzip", true, pack, http.StatusAccepted},
		{"a bomb", "gzip", false, func([]byte) []byte { return bomb[:60<<10] }, http.StatusRequestEntityTooLarge},
		{"a bomb in chunks", "gzip", true, func([]byte) []byte { return bomb }, http.StatusRequestEntityTooLarge},
		{"a bomb, not announced", "", false, func([]byte) []byte { return bomb[:60<<10] }, http.StatusRequestEntityTooLarge},
		{"nested", "gzip", false, func(body []byte) []byte { return pack(pack(body)) }, http.StatusUnsupportedMediaType},
		{"cut off", "gzip", false, func(body []byte) []byte { packed := pack(body); return packed[:len(packed)-20] }, http.StatusBadRequest},
		{"damaged", "gzip", false, func(body []byte) []byte {
			packed := pack(body)
			packed[len(packed)/2] ^= 0xff
			return packed
		}, http.StatusBadRequest},
		{"not gzip", "gzip", false, bytes.Clone, http.StatusBadRequest},
		{"another encoding", "br", false, bytes.Clone, http.StatusUnsupportedMediaType},
	}
}

// gzipBodies sends good and bad bodies of gzip, among them some that would be a
// quarter of a gigabyte, beside the load.
func gzipBodies(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	packed := newLoad(f.public, loadOptions{})
	defer packed.stop()
	bodies := squeezedBodies()
	for range max(f.rounds, 1) {
		for _, c := range bodies {
			r := packed.next()
			status, text, err := packed.sender.postEncoded(ctx, c.make(r.body), c.encoding, c.chunked)
			switch {
			case err != nil:
				v.problem("%s: %v", c.name, err)
			case status != c.status:
				v.problem("%s: status %d instead of %d: %s", c.name, status, c.status, text)
			case status == http.StatusAccepted:
				for _, e := range r.events {
					packed.acknowledged[e.table] = append(packed.acknowledged[e.table], e.id)
				}
			}
		}
	}
	l.stop()
	l.absorb(packed.acknowledged)
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if t := l.snapshot(); t.busy+t.broken > 0 {
		judged.problem("others were refused: %d with 503, %d unanswered", t.busy, t.broken)
	}
	judged.detail("%d bodies of %d kinds", max(f.rounds, 1)*len(bodies), len(bodies))
	return judged, err
}

// postEncoded sends a body as it is, with that content encoding.
func (s sender) postEncoded(ctx context.Context, body []byte, encoding string, chunked bool) (status int, text string, err error) {
	var reader io.Reader = bytes.NewReader(body)
	if chunked {
		reader = struct{ io.Reader }{reader} // whose length nobody knows
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, reader)
	if err != nil {
		return 0, "", fmt.Errorf("send a report: %w", err)
	}
	request.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	request.Header.Set("Origin", s.origin)
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("send a report: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", fmt.Errorf("read the answer to a report: %w", err)
	}
	return response.StatusCode, strings.TrimSpace(string(answer)), nil
}

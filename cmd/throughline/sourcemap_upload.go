package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"throughline/ingest/server"
)

const (
	// uploadAttempts are about half a minute, with pauses of 1, 2, 4 … seconds.
	uploadAttempts = 6
	uploadPause    = time.Second
	// maxUploadPause bounds what a collector may ask for.
	maxUploadPause = time.Minute
	// uploadPatience is how long the collector may take over one map.
	uploadPatience = 10 * time.Minute
	maxAnswerBytes = 64 << 10
)

// uploader uploads the source maps of one release.
type uploader struct {
	client *http.Client
	url    url.URL
	query  url.Values
	token  string
	wait   func(context.Context, time.Duration) error
}

func newUploader(collector *url.URL, app, release, token string) *uploader {
	// The token goes to the collector that was named and to nobody else.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &uploader{
		client: &http.Client{CheckRedirect: stay}, url: *collector.JoinPath(server.SourceMapsPath),
		query: url.Values{"app": {app}, "release": {release}}, token: token, wait: wait,
	}
}

// wait returns after a while, or when ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// uploadAnswer is what the collector says of a map that it took.
type uploadAnswer struct {
	Sources int `json:"sources"`
}

// uploadRefusal is an answer that would be the same the next time.
type uploadRefusal struct {
	status int
	text   string
}

func (r *uploadRefusal) Error() string { return r.text }

// forAll says whether the next map would be refused, too.
func (r *uploadRefusal) forAll() bool {
	return r.status != http.StatusBadRequest && r.status != http.StatusRequestEntityTooLarge
}

// upload uploads a map, and tries again when that may help; sent is told how many
// bytes of the file are on their way.
func (u *uploader) upload(ctx context.Context, m sourceMapFile, sent func(int64)) (answer uploadAnswer, err error) {
	pause := uploadPause
	for attempt := 1; ; attempt++ {
		answer, asked, err := u.try(ctx, m, sent)
		var refused *uploadRefusal
		if err == nil || errors.As(err, &refused) || ctx.Err() != nil || attempt == uploadAttempts {
			return answer, err
		}
		if err := u.wait(ctx, max(pause, min(asked, maxUploadPause))); err != nil {
			return answer, fmt.Errorf("upload %s: %w", m.path, err)
		}
		pause *= 2
	}
}

// try uploads a map once. asked is how long the collector wants to be left alone.
func (u *uploader) try(ctx context.Context, m sourceMapFile, sent func(int64)) (answer uploadAnswer, asked time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, uploadPatience)
	defer cancel()
	file, err := os.Open(m.path)
	if err != nil {
		return answer, 0, &uploadRefusal{http.StatusBadRequest, "cannot be read: " + err.Error()}
	}
	body, zipped := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		_ = zipped.CloseWithError(pack(zipped, &countingReader{file, 0, sent}))
	}()
	defer func() {
		_ = body.Close() // ends pack, if the collector did not want it all
		<-packed
		_ = file.Close() // it was only read
	}()
	query := u.query
	target := u.url
	target.RawQuery = query.Encode() + "&file=" + url.QueryEscape(m.file)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), body)
	if err != nil {
		return answer, 0, fmt.Errorf("upload %s: %w", m.path, err)
	}
	request.Header.Set("Authorization", "Bearer "+u.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Content-Encoding", "gzip")
	// A wrong token is then told before a large map is on its way.
	request.Header.Set("Expect", "100-continue")
	response, err := u.client.Do(request)
	if err != nil {
		return answer, 0, fmt.Errorf("upload %s: %w", m.path, err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return answer, 0, fmt.Errorf("upload %s: read the answer: %w", m.path, err)
	}
	return readUploadAnswer(response, content)
}

// readUploadAnswer tells success, a refusal, and what may be better the next time.
func readUploadAnswer(response *http.Response, content []byte) (answer uploadAnswer, asked time.Duration, err error) {
	status := response.StatusCode
	if status == http.StatusCreated {
		if err := json.Unmarshal(content, &answer); err != nil {
			return answer, 0, &uploadRefusal{status, "the collector's answer is not one: is this its address?"}
		}
		return answer, 0, nil
	}
	var failure struct {
		Error string `json:"error"`
	}
	text := "the collector answered " + response.Status
	if json.Unmarshal(content, &failure) == nil && failure.Error != "" {
		text += ": " + strings.Map(printable, failure.Error)
	}
	if status == http.StatusNotFound {
		text += "; it takes no source maps unless sourcemaps.upload_token is set"
	}
	if status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= http.StatusInternalServerError {
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")) // a date is as good as none
		return answer, time.Duration(max(seconds, 0)) * time.Second, errors.New(text)
	}
	return answer, 0, &uploadRefusal{status, text}
}

// printable keeps what a collector says from moving the cursor.
func printable(c rune) rune {
	if c < ' ' || c >= 0x7f && c < 0xa0 {
		return ' '
	}
	return c
}

// pack writes what r has, gzipped.
func pack(w io.Writer, r io.Reader) error {
	zipped := gzip.NewWriter(w)
	_, err := io.Copy(zipped, r)
	return errors.Join(err, zipped.Close())
}

// countingReader tells how much was read.
type countingReader struct {
	in    io.Reader
	bytes int64
	read  func(int64)
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.bytes += int64(n)
	c.read(c.bytes)
	return n, err
}

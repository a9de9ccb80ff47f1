package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// maxScriptBytes bounds the beacon's script.
const maxScriptBytes = 1 << 20

// freshFor is how long a script is used without asking the collector again.
const freshFor = 30 * time.Second

// Script is the beacon's script as the collector serves it for an app, business
// transactions included. It is kept, and asked for again from time to time. It
// is safe for concurrent use.
type Script struct {
	address string
	http    *http.Client

	mu      sync.Mutex
	text    string
	etag    string
	checked time.Time
	// failed is why there is no script, and failedAt when that was found out.
	failed   error
	failedAt time.Time
}

// failedFor is how long a failure is answered without asking the collector again:
// those that waited for it must not wait for one of their own.
const failedFor = 5 * time.Second

// NewScript returns the script of the app with a write key, which the collector
// serves below scriptPath, usually /t. client may be nil.
func NewScript(collectorURL, scriptPath, key string, client *http.Client) (*Script, error) {
	base, err := collector(collectorURL)
	if err != nil {
		return nil, err
	}
	if key == "" {
		return nil, errors.New("the write key is required")
	}
	return &Script{address: base.JoinPath(scriptPath, url.PathEscape(key)+".js").String(), http: httpClient(client)}, nil
}

// Text returns the script. When the collector does not answer, the script that
// is known is used on; it is an error only when there is none. That error is
// answered for a few seconds before the collector is asked again.
func (s *Script) Text(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text != "" && time.Since(s.checked) < freshFor {
		return s.text, nil
	}
	if s.failed != nil && time.Since(s.failedAt) < failedFor {
		return "", s.failed
	}
	err := s.fetch(ctx)
	if err == nil || s.text != "" {
		s.checked, s.failed = time.Now(), nil
		return s.text, nil
	}
	err = fmt.Errorf("fetch the page beacon: %w", err)
	if !errors.Is(ctx.Err(), context.Canceled) {
		// That one caller gave up says nothing of the collector.
		s.failed, s.failedAt = err, time.Now()
	}
	return "", err
}

func (s *Script) fetch(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address, nil)
	if err != nil {
		return errors.New("request cannot be made")
	}
	if s.etag != "" {
		request.Header.Set("If-None-Match", s.etag)
	}
	response, err := s.http.Do(request)
	if err != nil {
		return errors.New(cause(err))
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusNotModified:
		return nil
	case http.StatusOK:
	default:
		return fmt.Errorf("status %d", response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxScriptBytes+1))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if len(data) == 0 || len(data) > maxScriptBytes {
		return fmt.Errorf("has %d bytes, expected 1 to %d", len(data), maxScriptBytes)
	}
	s.text, s.etag = string(data), response.Header.Get("ETag")
	return nil
}

// Package report delivers journey reports to the collector over HTTP, and
// fetches the beacon's script from it.
//
// Reports wait in a bounded buffer while the collector is away; what cannot be
// delivered is counted and logged with its reason, never dropped silently. The
// agent's token goes into the Authorization header only, never into a log, an
// error or an address.
package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
)

var _ synthetic.Reporter = (*Client)(nil)

// Reasons why a report was dropped, as counted by [Client.Drops].
const (
	// DropBufferFull is a report that found the buffer full, or one that made
	// room in it for a run report.
	DropBufferFull = "buffer_full"
	// DropExpired is a report that could not be delivered for too long.
	DropExpired = "expired"
	// DropRefused is a report that the collector answered with a status that
	// trying again does not mend.
	DropRefused = "refused"
	// DropTooLarge is a report that is larger than the collector takes.
	DropTooLarge = "too_large"
	// DropClosed is a report that came after Close, or that Close had no time for.
	DropClosed = "closed"
)

// ErrFull and ErrClosed are why [Client.Report] did not take a report.
var (
	ErrFull   = errors.New("the report buffer is full")
	ErrClosed = errors.New("the reporter is closed")
)

// Options configures a [Client]. Collector and Key are required.
type Options struct {
	// Collector is the collector's address, such as https://collect.example.
	Collector string
	// CollectPath is where the collector takes reports; default /v1/events.
	CollectPath string
	// Key is the app's public write key.
	Key string
	// Token signs the agent's requests, see [beacon.AgentToken]; empty does not.
	Token string
	// Capacity bounds how many reports wait; default 1000.
	Capacity int
	// MaxAge bounds how long a report is tried; default 1 h.
	MaxAge time.Duration
	// MinBackoff and MaxBackoff bound the pause after a failed try; default
	// 500 ms and 1 min.
	MinBackoff, MaxBackoff time.Duration
	// HTTP sends the requests; default a client with a timeout of 10 s.
	HTTP *http.Client
	Log  *slog.Logger
}

// Client is a [synthetic.Reporter] that posts reports in the background, in
// order. It is safe for concurrent use.
type Client struct {
	options  Options
	endpoint string
	http     *http.Client
	log      *slog.Logger

	mu      sync.Mutex
	waiting []item
	drops   map[string]int
	closed  bool
	// wake tells the sender of new reports and of Close.
	wake chan struct{}

	// ctx ends when the sender must give up.
	ctx    context.Context
	giveUp context.CancelFunc
	done   chan struct{}
}

type item struct {
	report beacon.Report
	since  time.Time
}

// New checks the options and starts the sender. Close ends it.
func New(options Options) (*Client, error) {
	base, err := collector(options.Collector)
	if err != nil {
		return nil, err
	}
	if options.Key == "" {
		return nil, errors.New("the write key is required")
	}
	options.Capacity = orDefault(options.Capacity, 1000)
	options.MaxAge = orDefault(options.MaxAge, time.Hour)
	options.MinBackoff = orDefault(options.MinBackoff, 500*time.Millisecond)
	options.MaxBackoff = orDefault(options.MaxBackoff, time.Minute)
	if options.CollectPath == "" {
		options.CollectPath = "/v1/events"
	}
	endpoint := base.JoinPath(options.CollectPath)
	endpoint.RawQuery = url.Values{"key": {options.Key}}.Encode()
	c := &Client{
		options: options, endpoint: endpoint.String(), http: httpClient(options.HTTP), log: options.Log,
		drops: map[string]int{}, wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.ctx, c.giveUp = context.WithCancel(context.Background())
	go c.send()
	return c, nil
}

// collector checks the collector's address.
func collector(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("the collector must be an absolute http or https URL")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the collector's URL must have no credentials, query or fragment")
	}
	return base, nil
}

// httpClient never follows a redirect: the token is for the collector only.
func httpClient(given *http.Client) *http.Client {
	client := http.Client{Timeout: 10 * time.Second}
	if given != nil {
		client = *given
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func orDefault[T int | time.Duration](value, fallback T) T {
	if value > 0 {
		return value
	}
	return fallback
}

// Report implements [synthetic.Reporter]: it queues the report and returns at
// once. When the buffer is full a run report takes the place of the oldest
// report of a page; anything else is dropped.
func (c *Client) Report(_ context.Context, report beacon.Report) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		c.drop(item{report: report}, DropClosed)
		return ErrClosed
	}
	if len(c.waiting) >= c.options.Capacity && !(isRun(report) && c.makeRoom()) {
		c.drop(item{report: report}, DropBufferFull)
		return ErrFull
	}
	c.waiting = append(c.waiting, item{report: report, since: time.Now()})
	c.rouse()
	return nil
}

// isRun tells run reports from those of pages, by their having no view.
func isRun(report beacon.Report) bool { return report.View == nil }

// makeRoom drops the oldest report of a page; the first is perhaps being sent.
func (c *Client) makeRoom() bool {
	for i := 1; i < len(c.waiting); i++ {
		if !isRun(c.waiting[i].report) {
			c.drop(c.waiting[i], DropBufferFull)
			c.waiting = append(c.waiting[:i], c.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// drop counts and logs a report that is lost. The caller holds mu.
func (c *Client) drop(lost item, reason string, details ...any) {
	c.drops[reason]++
	args := append([]any{"reason", reason, "events", len(lost.report.Events)}, details...)
	if lost.report.Journey != nil {
		args = append(args, "journey", lost.report.Journey.Name, "run_id", lost.report.Journey.RunID)
	}
	c.log.Error("journey report dropped", args...)
}

func (c *Client) rouse() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Drops returns how many reports were dropped so far, by reason.
func (c *Client) Drops() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	drops := make(map[string]int, len(c.drops))
	for reason, count := range c.drops {
		drops[reason] = count
	}
	return drops
}

// Close delivers what waits, until ctx ends; the rest is dropped. It returns
// ctx's error if anything was.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.rouse()
	stop := context.AfterFunc(ctx, c.giveUp)
	defer stop()
	<-c.done
	c.giveUp()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return nil
	}
	for _, lost := range c.waiting {
		c.drop(lost, DropClosed)
	}
	c.waiting = nil
	return fmt.Errorf("deliver the last reports: %w", context.Cause(ctx))
}

// send delivers one report after the other until Close has emptied the buffer.
func (c *Client) send() {
	defer close(c.done)
	backoff := c.options.MinBackoff
	for c.ctx.Err() == nil {
		next, open := c.first()
		if next == nil {
			if !open {
				return
			}
			select {
			case <-c.wake:
			case <-c.ctx.Done():
			}
			continue
		}
		wait, done := c.deliver(*next)
		if done {
			backoff = c.options.MinBackoff
			continue
		}
		c.pause(max(wait, backoff))
		backoff = min(2*backoff, c.options.MaxBackoff)
	}
}

// first returns the report to send next, and whether more may come.
func (c *Client) first() (*item, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return nil, !c.closed
	}
	next := c.waiting[0]
	return &next, true
}

func (c *Client) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

// deliver tries the first report once. It is done with it unless trying again
// may help, after at least wait.
func (c *Client) deliver(next item) (wait time.Duration, done bool) {
	// The collector compares this clock with its own, so it is that of this try.
	next.report.SentAtMS = time.Now().UnixMilli()
	body, err := json.Marshal(next.report)
	if err != nil || len(body) > beacon.MaxAgentBodyBytes {
		c.finish(next, DropTooLarge, "size_bytes", len(body))
		return 0, true
	}
	status, wait, detail := c.post(body)
	switch {
	case status >= 200 && status < 300:
		c.finish(next, "")
		return 0, true
	case status != 0 && !mayPass(status):
		c.finish(next, DropRefused, "status", status, "answer", detail)
		return 0, true
	case time.Since(next.since) > c.options.MaxAge:
		c.finish(next, DropExpired, "status", status, "answer", detail)
		return 0, true
	}
	c.log.Warn("journey report not delivered, trying again", "status", status, "answer", detail)
	return wait, false
}

// mayPass tells statuses that trying again may mend.
func mayPass(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}

// finish takes the first report out of the buffer, as delivered or as dropped.
func (c *Client) finish(next item, reason string, details ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = c.waiting[1:]
	if reason != "" {
		c.drop(next, reason, details...)
	}
}

// post sends a body. The status is 0 when there was no answer; detail is what
// was answered, or why not.
func (c *Client) post(body []byte) (status int, wait time.Duration, detail string) {
	request, err := http.NewRequestWithContext(c.ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, 0, "request cannot be made"
	}
	request.Header.Set("Content-Type", "application/json")
	if c.options.Token != "" {
		request.Header.Set("Authorization", beacon.AgentToken(c.options.Token, time.Now()))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, 0, cause(err)
	}
	defer response.Body.Close()
	const readable = 500
	answer, _ := io.ReadAll(io.LimitReader(response.Body, readable))
	detail = strings.ToValidUTF8(string(answer), "\uFFFD")
	if c.options.Token != "" {
		detail = strings.NewReplacer(c.options.Token, "…", strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "), "…").Replace(detail)
	}
	return response.StatusCode, retryAfter(response.Header.Get("Retry-After")), detail
}

// cause is an error of the HTTP client without the address, which has the key.
func cause(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err.Error()
	}
	return err.Error()
}

// retryAfter reads the header of that name, seconds or a date; at most 5 min.
func retryAfter(header string) time.Duration {
	const longest = 5 * time.Minute
	if header == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(header); err == nil {
		return min(max(0, time.Duration(min(seconds, 3600))*time.Second), longest)
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(0, time.Until(date)), longest)
	}
	return 0
}

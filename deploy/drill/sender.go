package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// sender sends bodies to a collector as pages of one app do.
type sender struct {
	client *http.Client
	url    string
	origin string
	// forwardedFor is what a proxy tells, if not empty.
	forwardedFor string
}

func newSender(address string, o loadOptions) sender {
	return sender{
		client: &http.Client{Timeout: sendPatience, Transport: &http.Transport{
			MaxIdleConnsPerHost: o.workers + 1, DisableCompression: true,
		}},
		url:    "http://" + address + collectPath + "?key=" + o.key,
		origin: o.origin, forwardedFor: o.forwardedFor,
	}
}

// answer is what the collector says to a report.
type answer struct {
	Accepted   int      `json:"accepted"`
	Rejected   []reject `json:"rejected"`
	retryAfter string
	// allowedOrigin is whose pages may read it.
	allowedOrigin string
	text          string
}

// reject is an event, or with index -1 a report, that was not taken.
type reject struct {
	Index  int    `json:"index"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

func (s sender) post(ctx context.Context, body []byte) (status int, a answer, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return 0, a, fmt.Errorf("send a report: %w", err)
	}
	request.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	request.Header.Set("Origin", s.origin)
	if s.forwardedFor != "" {
		request.Header.Set("X-Forwarded-For", s.forwardedFor)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, a, fmt.Errorf("send a report: %w", err)
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return 0, a, fmt.Errorf("read the answer to a report: %w", err)
	}
	_ = json.Unmarshal(text, &a) // what is not JSON is in text
	a.allowedOrigin = response.Header.Get("Access-Control-Allow-Origin")
	a.retryAfter, a.text = response.Header.Get("Retry-After"), string(bytes.TrimSpace(text))
	return response.StatusCode, a, nil
}

package server

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v4"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/admission"
)

// refusal is a request that is turned away as a whole.
type refusal struct {
	status int
	app    string // "" when the key is unknown
	reject beacon.Reject
}

// Error implements error.
func (r *refusal) Error() string { return r.reject.Error() }

func refuse(status int, app string, reason beacon.Reason, field, detail string) *refusal {
	return &refusal{status, app, beacon.Reject{Index: -1, Field: field, Reason: reason, Detail: detail}}
}

// failure is the body of every answer that is an error.
type failure struct {
	Error    string          `json:"error"`
	Rejected []beacon.Reject `json:"rejected,omitempty"`
}

// handleError is where errors become answers:
//
//	refusal            its own status (401, 403, 413, 415, 400), counted
//	admission.Refusal  429 or 503 with Retry-After, counted
//	beacon.Reject      400 naming the field, or 403 for a missing agent token
//	ingest.BusyError   503 with Retry-After
//	echo.HTTPError     its own status (404, 405)
//	anything else      500 without details, logged
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	allowOrigin(c)
	status, body := http.StatusInternalServerError, failure{Error: "internal error"}
	var refused *refusal
	var full *admission.Refusal
	var reject *beacon.Reject
	var busy *ingest.BusyError
	var http4xx *echo.HTTPError
	switch {
	case errors.As(err, &refused):
		s.Service.Rejected(refused.app, refused.reject.Reason)
		status, body = refused.status, failureOf(refused.reject)
	case errors.As(err, &full):
		s.Service.Rejected(full.App, full.Reason)
		status, body = statusOf(full.Reason), failureOf(beacon.Reject{Index: -1, Reason: full.Reason, Detail: full.Detail})
		askToComeBack(c.Response().Header(), full.RetryAfter)
	case errors.As(err, &reject):
		status, body = http.StatusBadRequest, failureOf(*reject)
		if reject.Reason == ingest.RejectNotAnAgent {
			status = http.StatusForbidden
		}
	case errors.As(err, &busy):
		status, body = http.StatusServiceUnavailable, failureOf(beacon.Reject{Index: -1, Reason: busy.Reason, Detail: "the collector cannot keep reports now"})
		askToComeBack(c.Response().Header(), busy.RetryAfter)
	case errors.As(err, &http4xx):
		status, body = http4xx.Code, failure{Error: fmt.Sprint(http4xx.Message)}
	default:
		s.Log.Error("request failed", "path", c.Path(), "error", err)
	}
	if err := c.JSON(status, body); err != nil {
		s.Log.Debug("could not answer", "error", err)
	}
}

func failureOf(reject beacon.Reject) failure {
	return failure{reject.Error(), []beacon.Reject{reject}}
}

// statusOf tells what the app can do about it from what it cannot.
func statusOf(reason beacon.Reason) int {
	if reason == ingest.RejectBusy {
		return http.StatusServiceUnavailable
	}
	return http.StatusTooManyRequests
}

// recoverPanics turns a panic into a 500, so that one request cannot end the
// collector.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if fault := recover(); fault != nil {
				err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
			}
		}()
		return next(c)
	}
}

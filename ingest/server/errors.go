package server

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v4"

	"throughline/beacon"
	"throughline/ingest"
)

// failure is the body of every answer that is an error.
type failure struct {
	Error    string          `json:"error"`
	Rejected []beacon.Reject `json:"rejected,omitempty"`
}

// handleError is where errors become answers:
//
//	refusal           its own status (401, 403, 413, 415, 400), counted
//	beacon.Reject     400 naming the field, or 403 for a missing agent token
//	ingest.BusyError  503 with Retry-After
//	echo.HTTPError    its own status (404, 405)
//	anything else     500 without details, logged
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, body := http.StatusInternalServerError, failure{Error: "internal error"}
	var refused *refusal
	var reject *beacon.Reject
	var busy *ingest.BusyError
	var http4xx *echo.HTTPError
	switch {
	case errors.As(err, &refused):
		s.Service.Rejected(refused.app, refused.reject.Reason)
		status, body = refused.status, failure{refused.reject.Error(), []beacon.Reject{refused.reject}}
	case errors.As(err, &reject):
		status, body = http.StatusBadRequest, failure{reject.Error(), []beacon.Reject{*reject}}
		if reject.Reason == ingest.RejectNotAnAgent {
			status = http.StatusForbidden
		}
	case errors.As(err, &busy):
		status, body = http.StatusServiceUnavailable, failure{Error: busy.Error()}
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

package server

import (
	"hash/maphash"
	"net/http"

	"github.com/labstack/echo/v4"

	"throughline/ingest"
)

// reports is POST /v1/reports: what a browser reports by itself. It is let in like a
// report of the beacon, but for the origin: browsers send one of their own making, or
// none, so that the URLs of the reports are checked instead, in
// [ingest.Service.AcceptReports].
//
// It answers 202 also when every report is refused: to a browser any other status
// means that it should send all of them again.
func (s *Server) reports(c echo.Context) error {
	allowOrigin(c)
	request, now := c.Request(), s.Now()
	tenant, err := s.tenants.Load().find(request)
	if err != nil {
		return err
	}
	answer, err := s.take(c, sender{tenant: tenant}, now, func(submission ingest.Submission) (ingest.Answer, error) {
		address := clientAddress(request.RemoteAddr, request.Header, s.TrustedProxies)
		submission.Sender = maphash.Comparable(s.senders, address)
		return s.Service.AcceptReports(request.Header.Get(echo.HeaderContentType), submission)
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, answer)
}

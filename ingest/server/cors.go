package server

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// allowOrigin lets the page read the answer, whatever it is: an error that a
// browser hides looks like a CORS fault and sends people looking in the wrong
// place. Who may report is decided by admit, not by CORS. It may be called twice.
func allowOrigin(c echo.Context) {
	header := c.Response().Header()
	header[echo.HeaderVary] = []string{echo.HeaderOrigin}
	if origin := c.Request().Header[echo.HeaderOrigin]; len(origin) > 0 && origin[0] != "" {
		header[echo.HeaderAccessControlAllowOrigin] = origin[:1:1]
	}
}

// askToComeBack tells a sender when to try again, and lets a page read it.
func askToComeBack(header http.Header, after time.Duration) {
	header.Set(echo.HeaderRetryAfter, strconv.Itoa(max(1, int(math.Ceil(after.Seconds())))))
	header.Set(echo.HeaderAccessControlExposeHeaders, echo.HeaderRetryAfter)
}

// preflight answers browsers that ask first. The beacon never makes them ask; before
// their own reports, whose content type pages may not send, they do.
func (s *Server) preflight(c echo.Context) error {
	allowOrigin(c)
	header := c.Response().Header()
	header.Set(echo.HeaderAccessControlAllowMethods, http.MethodPost)
	header.Set(echo.HeaderAccessControlAllowHeaders, echo.HeaderContentType+", "+echo.HeaderContentEncoding)
	header.Set(echo.HeaderAccessControlMaxAge, "86400")
	return c.NoContent(http.StatusNoContent)
}

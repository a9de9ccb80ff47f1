package server

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// allowOrigin lets the page read the answer, whatever it is: an error that a
// browser hides looks like a CORS fault and sends people looking in the wrong
// place. Who may report is decided by admit, not by CORS.
func allowOrigin(c echo.Context) {
	header := c.Response().Header()
	header.Add(echo.HeaderVary, echo.HeaderOrigin)
	if origin := c.Request().Header.Get(echo.HeaderOrigin); origin != "" {
		header.Set(echo.HeaderAccessControlAllowOrigin, origin)
		header.Set(echo.HeaderAccessControlExposeHeaders, echo.HeaderRetryAfter)
	}
}

// preflight answers browsers that ask first. The beacon never makes them ask.
func (s *Server) preflight(c echo.Context) error {
	allowOrigin(c)
	header := c.Response().Header()
	header.Set(echo.HeaderAccessControlAllowMethods, http.MethodPost)
	header.Set(echo.HeaderAccessControlAllowHeaders, echo.HeaderContentType)
	header.Set(echo.HeaderAccessControlMaxAge, "86400")
	return c.NoContent(http.StatusNoContent)
}

package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"throughline/ingest"
)

// script is the beacon of one app, ready to be sent.
type script struct {
	plain, gzip []byte
	etag        string
}

type scripts map[string]script // by file name

// renderScripts renders a script for each key of each app: it reports with the
// key that it was loaded by, so that who still uses an old one shows.
func renderScripts(apps []ingest.App, render func(*ingest.App) ([]byte, error)) (scripts, error) {
	rendered := make(scripts, len(apps))
	for _, app := range apps {
		for _, key := range app.AllKeys() {
			app.Key = key
			plain, err := render(&app)
			if err != nil {
				return nil, fmt.Errorf("render the script of app %q: %w", app.Name, err)
			}
			if rendered[key+".js"], err = packScript(plain); err != nil {
				return nil, fmt.Errorf("compress the script of app %q: %w", app.Name, err)
			}
		}
	}
	return rendered, nil
}

func packScript(plain []byte) (script, error) {
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return script{}, err
	}
	_, err = writer.Write(plain)
	if err := errors.Join(err, writer.Close()); err != nil {
		return script{}, err
	}
	sum := sha256.Sum256(plain)
	return script{plain, packed.Bytes(), `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

// script is GET /t/<app key>.js. Its name does not change when its content
// does, so browsers keep it for minutes only and then ask whether it changed.
func (s *Server) script(c echo.Context) error {
	script, ok := s.tenants.Load().scripts[c.Param("file")]
	if !ok {
		return echo.NewHTTPError(http.StatusNotFound, "no app has this write key")
	}
	header := c.Response().Header()
	header.Set("ETag", script.etag)
	header.Set(echo.HeaderCacheControl, "public, max-age=300, stale-while-revalidate=86400")
	header.Set(echo.HeaderVary, echo.HeaderAcceptEncoding)
	header.Set(echo.HeaderXContentTypeOptions, "nosniff")
	// Pages of any origin load it, also those isolated by COEP, with or without CORS.
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set(echo.HeaderAccessControlAllowOrigin, "*")
	header.Set("Timing-Allow-Origin", "*")
	if matches(c.Request().Header.Get("If-None-Match"), script.etag) {
		return c.NoContent(http.StatusNotModified)
	}
	body := script.plain
	if strings.Contains(c.Request().Header.Get(echo.HeaderAcceptEncoding), "gzip") {
		header.Set(echo.HeaderContentEncoding, "gzip")
		body = script.gzip
	}
	return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", body)
}

func matches(ifNoneMatch, etag string) bool {
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		if strings.TrimPrefix(strings.TrimSpace(candidate), "W/") == etag {
			return true
		}
	}
	return false
}

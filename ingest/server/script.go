package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
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

func renderScripts(apps []ingest.App, render func(*ingest.App) ([]byte, error)) (scripts, error) {
	rendered := make(scripts, len(apps))
	for i := range apps {
		plain, err := render(&apps[i])
		if err != nil {
			return nil, fmt.Errorf("render the script of app %q: %w", apps[i].Name, err)
		}
		var packed bytes.Buffer
		writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return nil, fmt.Errorf("compress the script of app %q: %w", apps[i].Name, err)
		}
		_, err = writer.Write(plain)
		if closeErr := writer.Close(); err != nil || closeErr != nil {
			return nil, fmt.Errorf("compress the script of app %q: %w", apps[i].Name, err)
		}
		sum := sha256.Sum256(plain)
		rendered[apps[i].Key+".js"] = script{plain, packed.Bytes(), `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return rendered, nil
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

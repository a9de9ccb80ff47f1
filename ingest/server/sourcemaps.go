package server

import (
	"compress/gzip"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"

	"throughline/ingest/sourcemap"
)

// SourceMapsPath is where source maps are uploaded to. Pages never see it.
const SourceMapsPath = "/v1/sourcemaps"

// Maps come over slower lines and take longer than reports: a client may pause
// for the first, and has the second for all of a map.
const (
	uploadPause = 30 * time.Second
	uploadTime  = 10 * time.Minute
	// maxDrainedBytes is how much of a map is read that was refused. Most clients
	// read no answer before they have sent everything.
	maxDrainedBytes = 64 << 20
	// uploadRetry is when a client may try again that came at a busy time.
	uploadRetry = 5 * time.Second
)

// SourceMaps keeps the maps of releases; [sourcemap.Store] does.
type SourceMaps interface {
	Put(ctx context.Context, app, release, file string, r io.Reader) (sourcemap.Info, error)
	List(app string) []sourcemap.Info
	Delete(app, release string) (files int, err error)
}

// uploaded is what becomes of an uploaded map.
type uploaded struct {
	File     string `json:"file"`
	Sources  int    `json:"sources"`
	Segments int    `json:"segments"`
}

// routeSourceMaps adds the endpoint of source maps:
//
//	POST   ?app=…&release=…&file=/assets/app.js  a map, as it is or gzipped; answers 201
//	GET    ?app=…                                what there is
//	DELETE ?app=…&release=…                      removes a release's
//
// Each wants the upload token. Without a store or a token nothing is there.
func (s *Server) routeSourceMaps() {
	if s.SourceMaps == nil || s.UploadToken == "" {
		return
	}
	s.echo.POST(SourceMapsPath, s.uploading(s.uploadSourceMap))
	s.echo.GET(SourceMapsPath, s.uploading(s.listSourceMaps))
	s.echo.DELETE(SourceMapsPath, s.uploading(s.deleteSourceMaps))
}

// uploading lets in whoever has the upload token and names an app that there is.
func (s *Server) uploading(handle func(c echo.Context, app string) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		if !bears(c.Request(), s.UploadToken) {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
			return echo.NewHTTPError(http.StatusUnauthorized, "the upload token is missing or wrong; it stands in the header Authorization, after Bearer")
		}
		app := c.QueryParam("app")
		if !s.tenants.Load().names[app] {
			return echo.NewHTTPError(http.StatusBadRequest, fmt.Sprintf("app: no app is called %.200q", app))
		}
		return handle(c, app)
	}
}

// bears says whether the request carries that token.
func bears(r *http.Request, token string) bool {
	const scheme = "Bearer "
	header := r.Header.Get(echo.HeaderAuthorization)
	return token != "" && len(header) > len(scheme) && header[:len(scheme)] == scheme &&
		subtle.ConstantTimeCompare([]byte(header[len(scheme):]), []byte(token)) == 1
}

func (s *Server) uploadSourceMap(c echo.Context, app string) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), uploadTime)
	defer cancel()
	body := &uploadBody{in: c.Request().Body, control: http.NewResponseController(c.Response())}
	var document io.Reader = body
	switch encoding := c.Request().Header.Get(echo.HeaderContentEncoding); encoding {
	case "", "identity":
	case "gzip":
		document = &gzipBody{in: body}
	default:
		return echo.NewHTTPError(http.StatusUnsupportedMediaType, "content-encoding: send the map gzipped or as it is")
	}
	info, err := s.SourceMaps.Put(ctx, app, c.QueryParam("release"), c.QueryParam("file"), document)
	if err != nil {
		body.drain()
	}
	// What was read may have taken longer than an answer to a report.
	if deadline := body.control.SetWriteDeadline(time.Now().Add(writeTimeout)); deadline != nil && !errors.Is(deadline, http.ErrNotSupported) {
		return fmt.Errorf("allow time for an answer: %w", deadline)
	}
	if err != nil {
		return uploadError(c, err)
	}
	return c.JSON(http.StatusCreated, uploaded{info.File, info.Sources, info.Segments})
}

// uploadError says what was wrong with an upload.
func uploadError(c echo.Context, err error) error {
	var invalid *sourcemap.InvalidError
	var unreadable *bodyError
	switch {
	case errors.As(err, &invalid):
		return echo.NewHTTPError(http.StatusBadRequest, invalid.Error())
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return echo.NewHTTPError(http.StatusRequestTimeout, "the map came too slowly")
	case errors.As(err, &unreadable):
		return echo.NewHTTPError(http.StatusBadRequest, unreadable.Error())
	case errors.Is(err, sourcemap.ErrTooLarge), errors.Is(err, sourcemap.ErrFull):
		return echo.NewHTTPError(http.StatusRequestEntityTooLarge, fmt.Sprint(err))
	case errors.Is(err, sourcemap.ErrBusy):
		askToComeBack(c.Response().Header(), uploadRetry)
		return echo.NewHTTPError(http.StatusServiceUnavailable, sourcemap.ErrBusy.Error())
	}
	return err
}

func (s *Server) listSourceMaps(c echo.Context, app string) error {
	return c.JSON(http.StatusOK, map[string]any{"source_maps": s.SourceMaps.List(app)})
}

func (s *Server) deleteSourceMaps(c echo.Context, app string) error {
	files, err := s.SourceMaps.Delete(app, c.QueryParam("release"))
	if err != nil {
		return err
	}
	if files == 0 {
		return echo.NewHTTPError(http.StatusNotFound, "release: the app has no source maps of it")
	}
	return c.JSON(http.StatusOK, map[string]int{"deleted": files})
}

// bodyError is a body that cannot be read to its end.
type bodyError struct {
	detail string
	err    error
}

func (e *bodyError) Error() string { return e.detail }
func (e *bodyError) Unwrap() error { return e.err }

// uploadBody reads a request's body and puts its deadline off with each read, so
// that slow lines have time and stalled clients have none.
type uploadBody struct {
	in      io.Reader
	control *http.ResponseController
	begun   bool
	err     error
}

// Read implements io.Reader. Behind the end it leaves the deadline alone: the
// connection may be reading the next request by then.
func (b *uploadBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if err := b.control.SetReadDeadline(time.Now().Add(uploadPause)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, fmt.Errorf("allow time for a body: %w", err)
	}
	b.begun = true
	n, err := b.in.Read(p)
	if b.err = err; err != nil && !errors.Is(err, io.EOF) {
		b.err = &bodyError{"the body ended early", err}
	}
	return n, b.err
}

// drain reads the rest of a body, unless nothing was read of it yet: its sender
// may be waiting to be told to go on.
func (b *uploadBody) drain() {
	if b.begun && b.err == nil {
		_, _ = io.CopyN(io.Discard, b, maxDrainedBytes)
	}
}

// gzipBody unpacks a body. It reads nothing before it is asked to, so that a
// client which waits to be told to go on is refused first, if it is.
type gzipBody struct {
	in       io.Reader
	unpacked *gzip.Reader
}

// Read implements io.Reader.
func (b *gzipBody) Read(p []byte) (n int, err error) {
	if b.unpacked == nil {
		if b.unpacked, err = gzip.NewReader(b.in); errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // nothing at all is no map's end
		}
	}
	if err == nil {
		n, err = b.unpacked.Read(p)
	}
	var unreadable *bodyError
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &unreadable) {
		return n, err
	}
	return n, &bodyError{"the body is not what gzip makes", err}
}

package server

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
)

// openAPI describes the endpoints at their default paths.
//
//go:embed openapi.yaml
var openAPI []byte

const defaultCollectPath = "/v1/events"

// describe answers with the description of the endpoints, in which reports go to
// collectPath.
func describe(collectPath string) (echo.HandlerFunc, error) {
	place := []byte("\n  " + defaultCollectPath + ":\n")
	if bytes.Count(openAPI, place) != 1 {
		return nil, fmt.Errorf("openapi.yaml does not describe %s once", defaultCollectPath)
	}
	description := bytes.Replace(openAPI, place, []byte("\n  "+collectPath+":\n"), 1)
	return func(c echo.Context) error {
		allowOrigin(c)
		return c.Blob(http.StatusOK, "application/yaml", description)
	}, nil
}

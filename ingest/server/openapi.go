package server

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
)

// openAPI describes the endpoints at their default paths.
//
//go:embed openapi.yaml
var openAPI []byte

// describe answers with the description of the endpoints, in which reports go to
// these paths; an empty one is not in use, and described at its default.
func describe(collectPath, reportsPath string) (echo.HandlerFunc, error) {
	description := openAPI
	for _, path := range [][2]string{{"/v1/events", collectPath}, {"/v1/reports", cmp.Or(reportsPath, "/v1/reports")}} {
		place := []byte("\n  " + path[0] + ":\n")
		if bytes.Count(openAPI, place) != 1 {
			return nil, fmt.Errorf("openapi.yaml does not describe %s once", path[0])
		}
		description = bytes.Replace(description, place, []byte("\n  "+path[1]+":\n"), 1)
	}
	return func(c echo.Context) error {
		allowOrigin(c)
		return c.Blob(http.StatusOK, "application/yaml", description)
	}, nil
}

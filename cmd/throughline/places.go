package main

import (
	"context"
	"errors"
	"log/slog"

	"throughline/cmd/throughline/config"
	"throughline/ingest/geo"
)

// openPlaces opens the files that tell where an address is; nil if none is
// configured. An error names the key whose file cannot be used.
func openPlaces(ctx context.Context, c config.Geo, log *slog.Logger) (*geo.Reader, error) {
	places, err := geo.Open(ctx, geo.Options{PlaceFile: c.PlaceFile, NetworkFile: c.NetworkFile, Log: log})
	var bad *geo.FileError
	if errors.As(err, &bad) {
		return nil, &config.FileError{Path: "configuration", Problems: []config.Problem{
			{Key: "geo." + string(bad.Role) + "_file", Message: bad.Path + ": " + bad.Err.Error()},
		}}
	}
	return places, err
}

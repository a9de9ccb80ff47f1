package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

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

// registerPlaces shows on the meter how the files fare that tell where addresses are,
// by role; nothing of those that are not configured.
func registerPlaces(meter metric.Meter, places *geo.Reader, now func() time.Time) error {
	var gauges []metric.Observable
	gauge := func(name, unit, description string) metric.Int64ObservableGauge {
		g, _ := meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description)) // fails for bad names only
		gauges = append(gauges, g)
		return g
	}
	age := gauge("throughline.geo.file.age", "s", "Time since its maker made the file that is in force.")
	ranges := gauge("throughline.geo.file.ranges", "", "Ranges of addresses that the file in force tells of.")
	failing := gauge("throughline.geo.file.failing", "", "1 while the file on disk cannot be used, so that one before it is in force.")
	observe := func(o metric.Observer, role geo.Role, file geo.FileStats) {
		if file.Ranges == 0 {
			return
		}
		of := metric.WithAttributes(attribute.String("role", string(role)))
		o.ObserveInt64(age, int64(now().Sub(file.Built).Seconds()), of)
		o.ObserveInt64(ranges, int64(file.Ranges), of)
		fails := int64(0)
		if file.Failing {
			fails = 1
		}
		o.ObserveInt64(failing, fails, of)
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		stats := places.Stats()
		observe(o, geo.RolePlace, stats.Place)
		observe(o, geo.RoleNetwork, stats.Network)
		return nil
	}, gauges...)
	if err != nil {
		return fmt.Errorf("register the metrics of places: %w", err)
	}
	return nil
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"throughline/cmd/throughline/config"
	"throughline/ingest/geo"
)

func TestOpenPlaces_NamesTheKeyOfAFileThatCannotBeUsed(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.mmdb")
	if err := os.WriteFile(page, []byte("<html>Sign in first</html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config config.Geo
		want   string
	}{
		"missing": {config.Geo{PlaceFile: "/nowhere/city.mmdb"}, "configuration: geo.place_file: /nowhere/city.mmdb: stat: no such file or directory"},
		"corrupt": {config.Geo{NetworkFile: page}, "configuration: geo.network_file: " + page + ": is not in the MaxMind DB format"},
	} {
		_, err := openPlaces(t.Context(), c.config, slog.New(slog.DiscardHandler))
		var bad *config.FileError
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if places, err := openPlaces(t.Context(), config.Geo{}, slog.New(slog.DiscardHandler)); err != nil || places != nil {
		t.Errorf("without files: %v, %v", places, err)
	}
}

// The metrics tell of the files that are configured, and of no others.
func TestRegisterPlaces(t *testing.T) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-City", BuildEpoch: 1_790_000_000, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	network := &net.IPNet{IP: net.IPv4(81, 2, 69, 0), Mask: net.CIDRMask(24, 32)}
	if err := tree.Insert(network, mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("GB")}}); err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if _, err := tree.WriteTo(&content); err != nil {
		t.Fatal(err)
	}
	places, err := openPlaces(t.Context(), config.Geo{PlaceFile: writeFile(t, "places.mmdb", content.String())}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for want, from := range map[string]*geo.Reader{
		"throughline.geo.file.age place 60; throughline.geo.file.failing place 0; throughline.geo.file.ranges place 4; ": places,
		"": nil,
	} {
		reader := sdk.NewManualReader()
		meter := sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("test")
		if err := registerPlaces(meter, from, func() time.Time { return time.Unix(1_790_000_060, 0) }); err != nil {
			t.Fatal(err)
		}
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, point := range m.Data.(metricdata.Gauge[int64]).DataPoints {
					role, _ := point.Attributes.Value("role")
					got = append(got, fmt.Sprintf("%s %s %d; ", m.Name, role.AsString(), point.Value))
				}
			}
		}
		slices.Sort(got)
		if text := strings.Join(got, ""); text != want {
			t.Errorf("the metrics are %q, want %q", text, want)
		}
	}
}

package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throughline/cmd/throughline/config"
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

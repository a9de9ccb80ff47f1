package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// placesFile is the file that tells where addresses are, and what the collector has
// to say of it.
type placesFile struct {
	field *field
	path  string
	// read and refused are how often it has said so.
	read, refused int
}

// places replaces the file that tells where clients are under load, by one that is
// renamed into its place, by bytes that are no such file, by nothing, and by one that
// is written over it. Every report is taken, and has the country of a file that was
// in force.
func places(ctx context.Context, f *field) (v verdict, err error) {
	const client = "203.0.113.7"
	file := placesFile{field: f, path: filepath.Join(f.dir, "places.mmdb")}
	if err := file.rename("DE"); err != nil {
		return v, err
	}
	if err := f.change(func(s *settings) {
		s.more = fmt.Sprintf("geo: {place_file: %q}\ntrusted_proxies: [127.0.0.1]", file.path)
	}); err != nil {
		return v, err
	}
	l, err := f.beginUnderLoad(ctx, loadOptions{workers: 2, forwardedFor: client})
	if err != nil {
		return v, err
	}
	defer l.stop()
	if err := file.replace(ctx); err != nil {
		return v, err
	}
	if err := l.finish(ctx); err != nil {
		return v, err
	}
	if status := f.readiness(ctx); status != 200 {
		v.problem("/readyz says %d", status)
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if err != nil {
		return judged, err
	}
	countries, err := f.database.text(ctx, "SELECT DISTINCT country FROM page_views ORDER BY country")
	if err != nil {
		return judged, err
	}
	if got := strings.Fields(countries); !slices.Equal(got, []string{"DE", "FR", "IT"}) {
		judged.problem("the countries are %q, want those of the three files", got)
	}
	for t := range tableCount {
		kept, err := f.database.number(ctx, fmt.Sprintf("SELECT countIf(position(formatRow('TSV', *), '%s') > 0) FROM %s", client, t))
		if err != nil {
			return judged, err
		}
		if kept > 0 {
			judged.problem("the client's address is in %d rows of %s", kept, t)
		}
	}
	if strings.Contains(f.collector.said(), client) {
		judged.problem("the client's address is in the log")
	}
	return judged, nil
}

// replace does to the file what may happen to it, and waits after each until the
// collector has noticed.
func (p *placesFile) replace(ctx context.Context) error {
	const good, bad = true, false
	for _, step := range []struct {
		do   func() error
		good bool
	}{
		{func() error { return p.rename("FR") }, good},
		{func() error { return p.write(bytes.Repeat([]byte("no such file "), 1000)) }, bad},
		{func() error { return os.Remove(p.path) }, bad},
		{func() error {
			content, err := placesOf("IT")
			if err != nil {
				return err
			}
			return p.write(content)
		}, good},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("replace the file of places: %w", err)
		}
		if err := p.noticed(ctx, step.good); err != nil {
			return err
		}
		if err := sleep(ctx, time.Second); err != nil { // reports of now
			return err
		}
	}
	return nil
}

// noticed waits until the collector has said that it read the file, or that it
// cannot.
func (p *placesFile) noticed(ctx context.Context, good bool) error {
	const patience = 100 * time.Second // it looks once a minute
	words, count := "keeping what was read before", &p.refused
	if good {
		words, count = "read again where addresses are", &p.read
	}
	*count++
	collector := p.field.collector
	return collector.until(ctx, "the log says "+words, patience, func(context.Context) (bool, error) {
		return strings.Count(collector.said(), words) >= *count, nil
	})
}

func (p *placesFile) rename(country string) error {
	content, err := placesOf(country)
	if err != nil {
		return err
	}
	fresh := p.path + ".new"
	if err := os.WriteFile(fresh, content, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, p.path)
}

func (p *placesFile) write(content []byte) error { return os.WriteFile(p.path, content, 0o600) }

// placesOf is a file by which the addresses of a network are in a country.
func placesOf(country string) ([]byte, error) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Drill-City", IncludeReservedNetworks: true})
	if err != nil {
		return nil, fmt.Errorf("make a file of places: %w", err)
	}
	network := &net.IPNet{IP: net.IPv4(203, 0, 113, 0), Mask: net.CIDRMask(24, 32)}
	place := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(country)}}
	if err := tree.Insert(network, place); err != nil {
		return nil, fmt.Errorf("make a file of places: %w", err)
	}
	var content bytes.Buffer
	if _, err := tree.WriteTo(&content); err != nil {
		return nil, fmt.Errorf("make a file of places: %w", err)
	}
	return content.Bytes(), nil
}

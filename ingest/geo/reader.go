// Package geo tells where in the world an address is and whose network it belongs
// to, from files in the MaxMind DB format such as GeoLite2-City.mmdb and
// GeoLite2-ASN.mmdb. Nothing leaves the machine, and no address is kept.
//
// A file is read once, from end to end, into a table of address ranges with what
// is told of them: country and region, or the network. That is a fraction of the
// file, is outside the garbage collector's heap, and depends on the file no more:
// it may be overwritten in place, cut off or deleted.
package geo

import (
	"context"
	"log/slog"
	"net/netip"
	"time"
)

// Place is what is known of an address. What is not known is "".
type Place struct {
	// Country is an ISO 3166-1 alpha-2 code, such as DE.
	Country string
	// Region is the largest subdivision of the country, an ISO 3166-2 code such
	// as DE-BY.
	Region string
	// Network is the organisation that runs the autonomous system, such as
	// "Deutsche Telekom AG", or the system's number as in AS64500 when no name is
	// known. It has at most 100 bytes of UTF-8 and no control characters.
	Network string
}

// defaultInterval is seldom enough to cost nothing: the files come out a few times
// a week at most.
const defaultInterval = time.Minute

// Options are the files of a [Reader].
type Options struct {
	// PlaceFile tells countries, and regions if it can: GeoLite2-City,
	// GeoIP2-Country, GeoIP2-Enterprise and what else has their layout. Empty: none.
	PlaceFile string
	// NetworkFile tells autonomous systems: GeoLite2-ASN, GeoIP2-ISP and what else
	// has their layout. Empty: none.
	NetworkFile string
	// Interval is how often Run looks for replaced files; 0 is a minute.
	Interval time.Duration
	Log      *slog.Logger
}

// Reader tells places. It is safe for concurrent use. A nil Reader and the zero
// Reader know nothing.
type Reader struct {
	places   source[Place]
	networks source[string]
	interval time.Duration
	log      *slog.Logger
}

// Open reads the files, at 20 to 50 MB a second. It returns nil if the options name
// none. It fails with a *[FileError] if one of them cannot be used, or with the
// error of ctx.
func Open(ctx context.Context, options Options) (*Reader, error) {
	if options.PlaceFile == "" && options.NetworkFile == "" {
		return nil, nil
	}
	r := &Reader{
		places:   source[Place]{role: RolePlace, path: options.PlaceFile, decode: decodePlace},
		networks: source[string]{role: RoleNetwork, path: options.NetworkFile, decode: decodeNetwork},
		interval: options.Interval,
		log:      options.Log,
	}
	if r.interval <= 0 {
		r.interval = defaultInterval
	}
	if err := r.places.open(ctx, r.log); err != nil {
		return nil, err
	}
	if err := r.networks.open(ctx, r.log); err != nil {
		return nil, err
	}
	return r, nil
}

// Place tells what is known of an address, which is nothing for one that is not
// valid, private, or of no single host in the world. An IPv4 address may be
// mapped into IPv6. Place keeps neither the address nor anything made of it.
func (r *Reader) Place(addr netip.Addr) Place {
	addr = addr.Unmap()
	if r == nil || !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return Place{}
	}
	place := r.places.table.Load().find(addr)
	place.Network = r.networks.table.Load().find(addr)
	return place
}

// Run looks for replaced files until ctx ends, and puts them into force. A file
// that is missing or cannot be used changes nothing; that is logged once, not with
// every look. Only one Run may be under way at a time.
func (r *Reader) Run(ctx context.Context) {
	if r == nil || r.places.path == "" && r.networks.path == "" {
		return
	}
	ticker := time.NewTicker(r.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.look(ctx)
		}
	}
}

func (r *Reader) look(ctx context.Context) {
	r.places.look(ctx, r.log)
	r.networks.look(ctx, r.log)
}

// Stats tells how the files fare.
type Stats struct{ Place, Network FileStats }

// FileStats tells how a file fares. All is zero for one that is not configured.
type FileStats struct {
	// Built is when its maker made the file that is in force.
	Built time.Time
	// Ranges is how many ranges of addresses the table of it has.
	Ranges int
	// Replaced counts files that have come into force since the first.
	Replaced uint64
	// Refused counts changes of the file after which it could not be used.
	Refused uint64
	// Failing is true while the file on disk is not the one in force.
	Failing bool
}

// Stats tells how the files fare now.
func (r *Reader) Stats() Stats {
	if r == nil {
		return Stats{}
	}
	return Stats{Place: r.places.fares(), Network: r.networks.fares()}
}

// Package js holds the browser beacon: the bundle that npm run build makes of
// the TypeScript in src, ready to be served. The package knows nothing of HTTP.
package js

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
)

// placeholder stands once in the bundle, where its configuration belongs.
const placeholder = "__THROUGHLINE_CONFIG__"

// The bundles: one for most apps, and one that holds what few of them switch on.
var (
	//go:embed dist/beacon.js
	lean []byte
	//go:embed dist/beacon-full.js
	full []byte
)

// Script returns the beacon with its configuration inside: JavaScript of some
// 25 KB to be served as it is, with a type of text/javascript. It may stand in
// an HTML script element too. It is safe for concurrent use, and the caller
// owns the result.
func Script(cfg Config) ([]byte, error) {
	// Marshal escapes <, >, & and the line ends U+2028 and U+2029, which
	// JavaScript before 2019 does not allow in strings.
	value, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("encode beacon configuration: %w", err)
	}
	bundle := lean
	if cfg.wantsFull() {
		bundle = full
	}
	if n := bytes.Count(bundle, []byte(placeholder)); n != 1 {
		return nil, fmt.Errorf("beacon bundle holds %s %d times, want once", placeholder, n)
	}
	return bytes.Replace(bundle, []byte(placeholder), value, 1), nil
}

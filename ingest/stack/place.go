package stack

import (
	"slices"
	"strings"
)

// maxPathSegments is how much of a file's path, from its end, tells it from
// others. What is before varies with hosts and releases.
const maxPathSegments = 2

// maxSkippedSegments is how many of these at most are passed over for them.
const maxSkippedSegments = 8

// minNameBytes is the shortest name of a function that counts. Shorter ones are
// what minifiers give, and each build gives them to others.
const minNameBytes = 3

// place is where in the code a frame is, as far as it stays the same over
// builds, hosts and browsers.
type place struct {
	file     uint64 // fingerprint
	function string // "" if it has no name that lasts
}

func placeOf(frame Frame) place {
	var buffer [128]byte
	return place{newFingerprint().bytes(appendPath(buffer[:0], frame.URL)), functionName(frame.Function)}
}

// functionName returns the name that all browsers give a function, without
// its object, and "" if there is none that outlasts a build.
func functionName(name string) string {
	// Firefox names functions without a name by those around: cart/total/<.
	name = name[strings.LastIndexByte(name, '/')+1:]
	if isScriptFile(name) { // bundlers call modules by their files
		return ""
	}
	for _, prefix := range []string{"new ", "get ", "set ", "static ", "bound "} {
		name = strings.TrimPrefix(name, prefix)
	}
	name, _, _ = strings.Cut(name, "[")
	name = name[strings.LastIndexByte(name, '.')+1:]
	if isMinified(name) || strings.HasPrefix(name, "<") || strings.Trim(name, "0123456789") == "" || isSafariCode(name) {
		return ""
	}
	switch name {
	case "eval", "anonymous":
		return ""
	}
	return name
}

func isMinified(name string) bool { return len(name) < minNameBytes }

// appendPath writes the end of a URL's path without what varies. A document,
// whose address may be different for each that reads it, has no name.
func appendPath(dst []byte, url string) []byte {
	url, _, _ = strings.Cut(url, ":wasm-function[")
	url = cutQuery(url)
	if _, rest, absolute := strings.Cut(url, "://"); absolute {
		_, url, _ = strings.Cut(rest, "/")
	}
	slash := strings.LastIndexByte(url, '/')
	if file := url[slash+1:]; isScriptFile(file) {
		dst = appendFile(dst, file)
	} else {
		return append(dst, "(document)"...)
	}
	segments := 1
	for seen := 0; slash >= 0 && segments < maxPathSegments && seen <= maxSkippedSegments; seen++ {
		url = url[:slash]
		slash = strings.LastIndexByte(url, '/')
		if segment := url[slash+1:]; segment != "" && segment != "." && segment != ".." && !isVersion(segment) && !isVariable(segment) {
			dst = append(append(dst, '/'), segment...)
			segments++
		}
	}
	return dst
}

// appendFile writes the name of a file without hash, version and the mark of
// minified files: app.3f2a9c1b.min.js is app.js.
func appendFile(dst []byte, file string) []byte {
	stem, extension := file, ""
	if dot := strings.LastIndexByte(file, '.'); dot >= 0 {
		stem, extension = file[:dot], file[dot:]
	}
	if cut := len(stem) - hashBytes - 1; cut > 0 && (stem[cut] == '-' || stem[cut] == '.') && isHash(stem[cut+1:]) {
		stem = stem[:cut]
	}
	kept := len(dst)
	for stem != "" {
		var piece string
		end := strings.IndexAny(stem, ".-")
		if end < 0 {
			end = len(stem)
		}
		piece, stem = stem[:end], stem[min(end+1, len(stem)):]
		if piece == "" || piece == "min" || isVersion(piece) || isVariable(piece) {
			continue
		}
		if len(dst) > kept {
			dst = append(dst, '.')
		}
		dst = append(dst, piece...)
	}
	if len(dst) == kept {
		dst = append(dst, '*')
	}
	return append(dst, extension...)
}

// isScriptFile knows the files that code is written in.
func isScriptFile(file string) bool {
	dot := strings.LastIndexByte(file, '.')
	if dot < 0 {
		return false
	}
	_, found := slices.BinarySearch(scriptExtensions, file[dot+1:])
	return found
}

// scriptExtensions are sorted.
var scriptExtensions = []string{"astro", "cjs", "coffee", "cts", "js", "jsx", "mjs", "mts", "svelte", "ts", "tsx", "vue", "wasm"}

// hashBytes is the length of the hashes of Vite, Rollup and esbuild, which, unlike
// those of webpack, are no hexadecimal numbers and may hold a dash.
const hashBytes = 8

// isHash reports whether a text looks like 48 or so random bits written in 8
// letters, digits, dashes and underlines. Of these, only one in 1,300 is all
// small letters, as a word is.
func isHash(text string) bool {
	var digits, uppers, lowers int
	for i := range len(text) {
		switch b := text[i]; {
		case isDigit(b):
			digits++
		case isUpper(b):
			if uppers++; i == 0 {
				uppers = 0 // a word's first letter
			}
		case isLower(b):
			lowers++
		case b != '-' && b != '_':
			return false
		}
	}
	return digits > 0 || uppers > 0
}

// isVersion reports whether a name is a number or version: 42, v2, 1.12.1,
// 2026-11-28.
func isVersion(name string) bool {
	name = strings.TrimPrefix(name, "v")
	return name != "" && isDigit(name[0]) && strings.Trim(name, "0123456789.-_") == ""
}

// isVariable reports whether a name looks like an id or the hash of a build:
// hexadecimal of 6 and more with a digit in it, a mixture of letters and 2
// digits or more of 8 and more, or what a scrubber left in the place of one.
func isVariable(name string) bool {
	if isPlaceholder(name) {
		return true
	}
	hex, digits, letters := true, 0, 0
	for i := range len(name) {
		b := name[i]
		switch {
		case isDigit(b):
			digits++
		case isLetter(b):
			letters++
			hex = hex && (b|0x20) <= 'f'
		case b != '-' && b != '_':
			return false
		default:
			hex = false
		}
	}
	return hex && digits > 0 && len(name) >= 6 || digits >= 2 && letters > 0 && len(name) >= hashBytes
}

// isPlaceholder knows [id], [email] and their like.
func isPlaceholder(text string) bool {
	end := placeholderEnd(text)
	return end > 0 && end == len(text)
}

// maxPlaceholderBytes is longer than any scrubber's placeholder.
const maxPlaceholderBytes = 16

// placeholderEnd returns the length of the placeholder that a text begins
// with, or 0.
func placeholderEnd(text string) int {
	if text == "" || text[0] != '[' {
		return 0
	}
	for i := 1; i < min(len(text), maxPlaceholderBytes); i++ {
		if text[i] == ']' && i > 1 {
			return i + 1
		}
		if !isLower(text[i]) && text[i] != '_' {
			return 0
		}
	}
	return 0
}

func cutQuery(url string) string {
	if cut := strings.IndexAny(url, "?#"); cut >= 0 {
		return url[:cut]
	}
	return url
}

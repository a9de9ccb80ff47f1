package scrub

import "strings"

// Digits of a card number, ISO/IEC 7812.
const (
	leastCardDigits = 13
	mostCardDigits  = 19
)

// numbers takes a card number or an IPv4 address that begins at i.
func (p *scan) numbers(i int) (next int, ok bool) {
	if class(p.text[i])&digit == 0 {
		return 0, false
	}
	if to, ok := p.address4(i); ok {
		return p.take(i, to, placeIP), true
	}
	if to, ok := p.card(i); ok {
		return p.take(i, to, placeCard), true
	}
	return 0, false
}

// card finds the end of a card number, the longest that there is: its digits may
// be parted by single spaces, dots or dashes, and the last is the check digit.
func (p *scan) card(i int) (end int, ok bool) {
	var digits [mostCardDigits]byte
	n := 0
	for at := i; at < len(p.text) && n < mostCardDigits; at++ {
		c := p.text[at]
		if class(c)&digit == 0 {
			if c != ' ' && c != '-' && c != '.' || at+1 == len(p.text) || class(p.text[at+1])&digit == 0 {
				break
			}
			continue
		}
		digits[n] = c - '0'
		n++
		behind := at + 1
		if n >= leastCardDigits && (behind == len(p.text) || class(p.text[behind])&word == 0) && hasCheckDigit(digits[:n]) {
			end, ok = behind, true
		}
	}
	return end, ok
}

// hasCheckDigit says whether the last digit is that of Luhn's formula (US patent
// 2,950,048; ISO/IEC 7812-1, annex B).
func hasCheckDigit(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0 && sum > 0
}

// address4 finds the end of an IPv4 address, but for version numbers, as in
// Chrome/120.0.0.0 or v1.2.3.4, and hosts of URLs.
func (p *scan) address4(i int) (end int, ok bool) {
	at := i
	for part := range 4 {
		if part > 0 {
			if at >= len(p.text) || p.text[at] != '.' {
				return 0, false
			}
			at++
		}
		value, begin := 0, at
		for at < len(p.text) && at-begin < 3 && class(p.text[at])&digit != 0 {
			value = 10*value + int(p.text[at]-'0')
			at++
		}
		if at == begin || value > 255 {
			return 0, false
		}
	}
	if at < len(p.text) && (class(p.text[at])&word != 0 || p.text[at] == '.' && at+1 < len(p.text) && class(p.text[at+1])&digit != 0) {
		return 0, false
	}
	if i > 0 && (strings.IndexByte(".@vV", p.text[i-1]) >= 0 || p.text[i-1] == '/' && !p.behindHost(i)) {
		return 0, false
	}
	return at, true
}

// behindHost says whether i is in the path of a URL.
func (p *scan) behindHost(i int) bool {
	const longest = 256
	from := max(0, i-longest)
	if space := strings.LastIndexAny(p.text[from:i], " \t\n\"'(<"); space >= 0 {
		from += space
	}
	host := strings.Index(p.text[from:i], "://")
	return p.where == inPath || host >= 0 && from+host+len("://") < i
}

const (
	leastIDDigits = 9
	leastIDHex    = 16
)

// ids takes the ids within a word: UUIDs, long numbers, long hexadecimal
// numbers. What belongs to the name of a file stays: it is a build's.
func (p *scan) ids(i, end int) {
	if end-i < leastIDDigits || p.namesFile(end) {
		return
	}
	for at := i; at < end; {
		if isUUID(p.text[at:end]) {
			at = p.take(at, at+uuidBytes, placeID)
			continue
		}
		part, digits := at, 0
		allHex := true
		for part < end && class(p.text[part])&dash == 0 {
			kind := class(p.text[part])
			if kind&digit != 0 {
				digits++
			}
			allHex = allHex && kind&hex != 0
			part++
		}
		if size := part - at; size >= leastIDDigits && digits == size || size >= leastIDHex && allHex && digits > 0 {
			p.take(at, part, placeID)
		}
		at = part + 1
	}
}

const uuidBytes = len("123e4567-e89b-12d3-a456-426614174000")

func isUUID(text string) bool {
	if len(text) < uuidBytes || len(text) > uuidBytes && class(text[uuidBytes])&dash == 0 {
		return false
	}
	for i := range uuidBytes {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if text[i] != '-' {
				return false
			}
		} else if class(text[i])&hex == 0 {
			return false
		}
	}
	return true
}

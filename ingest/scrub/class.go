package scrub

// What a byte may be part of.
const (
	digit  uint8 = 1 << iota
	upper        // capital ASCII letter
	lower        // small ASCII letter
	hex          // hexadecimal digit
	notHex       // letter that is none
	dash         // - or _
	local        // of what stands before the sign of an e-mail address
	high         // of a character beyond ASCII

	word = digit | upper | lower
)

// class says what a byte may be part of.
func class(c byte) uint8 { return classes[c] }

var classes = classify()

func classify() (of [256]uint8) {
	for i := range of {
		c := byte(i)
		switch {
		case c >= '0' && c <= '9':
			of[i] = digit | hex | local
		case c >= 'a' && c <= 'f':
			of[i] = lower | hex | local
		case c >= 'A' && c <= 'F':
			of[i] = upper | hex | local
		case c >= 'g' && c <= 'z':
			of[i] = lower | notHex | local
		case c >= 'G' && c <= 'Z':
			of[i] = upper | notHex | local
		case c == '-' || c == '_':
			of[i] = dash | local
		case c == '.' || c == '+' || c == '%' || c == '&' || c == '*' || c == '!' || c == '~':
			of[i] = local
		case c >= 0x80:
			of[i] = high
		}
	}
	return of
}

package generator

// country is where visitors come from.
type country struct {
	code     string
	weight   float64
	rttMS    float64 // to the shop and back, on a good line
	timeZone int     // hours ahead of UTC
}

// busy is how busy the country is in an hour of the UTC day.
func (c country) busy(hour int) float64 { return byHour((hour + c.timeZone + 24) % 24) }

// countries are those of a European shop that sends its goods anywhere.
func countries() []country {
	return []country{
		{"DE", 210, 18, 1},
		{"FR", 105, 24, 1},
		{"GB", 98, 28, 0},
		{"NL", 62, 16, 1},
		{"AT", 55, 22, 1},
		{"CH", 52, 20, 1},
		{"US", 88, 105, -6},
		{"IT", 48, 34, 1},
		{"ES", 46, 40, 1},
		{"PL", 44, 32, 1},
		{"BE", 34, 18, 1},
		{"SE", 30, 36, 1},
		{"DK", 24, 28, 1},
		{"CZ", 22, 26, 1},
		{"NO", 18, 40, 1},
		{"FI", 16, 46, 2},
		{"PT", 16, 52, 0},
		{"IE", 15, 38, 0},
		{"GR", 13, 58, 2},
		{"HU", 12, 36, 1},
		{"RO", 12, 48, 2},
		{"CA", 15, 112, -5},
		{"AU", 13, 265, 10},
		{"JP", 11, 235, 9},
		{"BR", 14, 205, -3},
		{"IN", 24, 160, 5},
		{"TR", 14, 62, 3},
		{"ZA", 6, 175, 2},
		{"MX", 8, 145, -6},
		{"SG", 5, 170, 8},
		{"KR", 5, 245, 9},
		{"AE", 5, 125, 4},
	}
}

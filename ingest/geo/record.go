package geo

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/oschwald/maxminddb-golang/v2"
)

// placeRecord is what a record of a place file has for us.
type placeRecord struct {
	Country      isoNamed   `maxminddb:"country"`
	Subdivisions []isoNamed `maxminddb:"subdivisions"` // the largest first
}

type isoNamed struct {
	Code string `maxminddb:"iso_code"`
}

func decodePlace(record maxminddb.Result) (Place, error) {
	var told placeRecord
	if err := record.Decode(&told); err != nil {
		return Place{}, err
	}
	country := told.Country.Code
	if len(country) != 2 || !isCode(country, false) {
		return Place{}, nil
	}
	place := Place{Country: strings.Clone(country)} // the record's bytes go when the file is read
	if len(told.Subdivisions) > 0 {
		// ISO 3166-2: one to three letters or digits behind the country.
		if code := told.Subdivisions[0].Code; code != "" && len(code) <= 3 && isCode(code, true) {
			place.Region = country + "-" + code
		}
	}
	return place, nil
}

func isCode(text string, digits bool) bool {
	for i := range len(text) {
		letter := text[i] >= 'A' && text[i] <= 'Z'
		digit := text[i] >= '0' && text[i] <= '9'
		if !letter && (!digit || !digits) {
			return false
		}
	}
	return true
}

// networkRecord is what a record of a network file has for us.
type networkRecord struct {
	Number       uint64 `maxminddb:"autonomous_system_number"`
	Organization string `maxminddb:"autonomous_system_organization"`
}

// maxNetworkBytes leaves all but a few names of organisations whole.
const maxNetworkBytes = 100

func decodeNetwork(record maxminddb.Result) (string, error) {
	var told networkRecord
	if err := record.Decode(&told); err != nil {
		return "", err
	}
	name := strings.TrimSpace(cut(strings.Map(printable, strings.ToValidUTF8(told.Organization, "")), maxNetworkBytes))
	if name == "" && told.Number > 0 {
		name = "AS" + strconv.FormatUint(told.Number, 10)
	}
	return strings.Clone(name), nil
}

// printable drops control characters, and those that are not seen and change how
// others are, such as a turn of the direction of writing.
func printable(c rune) rune {
	if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
		return -1
	}
	return c
}

// cut shortens a text to so many bytes, at the boundary of a character.
func cut(text string, maxBytes int) string {
	if len(text) <= maxBytes {
		return text
	}
	for maxBytes > 0 && !utf8.RuneStart(text[maxBytes]) {
		maxBytes--
	}
	return text[:maxBytes]
}

package synthetic

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Codes of RFC 6238 as nearly all services have them: SHA-1, 6 digits, 30 s.
const (
	totpPeriod = 30 * time.Second
	totpDigits = 6
	// totpMargin is how long a code must still hold when it is made.
	totpMargin = 2 * time.Second
)

// totpSeed is what a service and its user share to make codes from.
type totpSeed []byte

// parseSeed reads base32, in any case, with or without spaces and padding.
func parseSeed(text string) (totpSeed, error) {
	text = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(text))
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(seed) == 0 {
		// The decoder's own error tells a part of the seed's form.
		return nil, errors.New("a TOTP seed must be base32")
	}
	return seed, nil
}

// code is the code at a time.
func (s totpSeed) code(at time.Time) string {
	return s.digits(at, totpDigits)
}

func (s totpSeed) digits(at time.Time, count int) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix())/uint64(totpPeriod/time.Second))
	mac := hmac.New(sha1.New, s)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	number := uint64(binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff)
	power := uint64(1)
	for range count {
		power *= 10
	}
	return fmt.Sprintf("%0*d", count, number%power)
}

// totpLeft is how long the code of a time still holds.
func totpLeft(at time.Time) time.Duration {
	return totpPeriod - time.Duration(at.UnixNano()%int64(totpPeriod))
}

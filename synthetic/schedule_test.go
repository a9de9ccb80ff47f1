package synthetic

import (
	"strings"
	"testing"
	"time"
)

func TestParseSchedule_Bad(t *testing.T) {
	for text, words := range map[string]string{
		"":                       "not a cron expression",
		"soon":                   "not a cron expression",
		"* * * *":                "not a cron expression",
		"61 * * * *":             "not a cron expression",
		"TZ=UTC":                 "must follow the time zone",
		"CRON_TZ=UTC":            "must follow the time zone",
		"CRON_TZ= * * * * *":     "unknown time zone",
		"CRON_TZ=Mars * * * * *": "unknown time zone",
		"TZ=UTC TZ=UTC":          "not a cron expression",
		"TZ=UTC @every 5s":       "not a cron expression",
		"@every":                 "at least 1s",
		"@every 0s":              "at least 1s",
		"@every -5m":             "at least 1s",
		"@every 500ms":           "at least 1s",
		"@sometimes":             "not a cron expression",
		"0 0 30 2 *":             "never comes due",
	} {
		if _, err := ParseSchedule(text); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: got %v, want %q", text, err, words)
		}
	}
}

// TestSchedule_Next walks schedules over a stretch of time.
func TestSchedule_Next(t *testing.T) {
	for name, test := range map[string]struct{ schedule, from, until, want string }{
		"every minute in UTC": {"* * * * *", "2026-05-01T11:59:30Z", "2026-05-01T12:02:00Z", "12:00 12:01 12:02"},
		"every half hour":     {"@every 30m", "2026-05-01T11:59:30Z", "2026-05-01T13:00:00Z", "12:00 12:30 13:00"},
		"hourly":              {"@hourly", "2026-05-01T11:59:30Z", "2026-05-01T13:00:00Z", "12:00 13:00"},
		"in a zone":           {"CRON_TZ=Asia/Kolkata 0 9 * * *", "2026-05-01T00:00:00Z", "2026-05-02T12:00:00Z", "03:30 03:30"},
		"leap day":            {"0 12 29 2 *", "2027-01-01T00:00:00Z", "2028-12-31T00:00:00Z", "12:00"},
		// Berlin goes from 02:00 to 03:00 at 01:00 UTC on 29 March 2026, New York
		// from 02:00 to 03:00 at 07:00 UTC on 8 March.
		"spring, in the gap":    {"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z", "01:30 01:30 00:30"},
		"spring, New York":      {"CRON_TZ=America/New_York 30 2 * * *", "2026-03-07T00:00:00Z", "2026-03-09T12:00:00Z", "07:30 07:30 06:30"},
		"spring, by the minute": {"CRON_TZ=Europe/Berlin */30 * * * *", "2026-03-29T00:20:00Z", "2026-03-29T02:00:00Z", "00:30 01:00 01:30 02:00"},
		// Berlin goes from 03:00 to 02:00 at 01:00 UTC on 25 October 2026, New York
		// from 02:00 to 01:00 at 06:00 UTC on 1 November.
		"autumn, twice":         {"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", "00:30 01:30"},
		"autumn, New York":      {"CRON_TZ=America/New_York 30 1 * * *", "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z", "05:30 06:30"},
		"autumn, by the minute": {"CRON_TZ=Europe/Berlin */30 * * * *", "2026-10-25T00:20:00Z", "2026-10-25T01:30:00Z", "00:30 01:00 01:30"},
		"autumn, in the repeat": {"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T12:00:00Z", "01:30"},
	} {
		schedule, err := ParseSchedule(test.schedule)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		from, _ := time.Parse(time.RFC3339, test.from)
		until, _ := time.Parse(time.RFC3339, test.until)
		schedule.anchor = from.Truncate(time.Hour)
		var got []string
		for at := schedule.Next(from); !at.After(until) && len(got) < 20; at = schedule.Next(at) {
			if at.Location() != time.UTC {
				t.Errorf("%s: %s is not in UTC", name, at)
			}
			got = append(got, at.Format("15:04"))
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s: got %s, want %s", name, text, test.want)
		}
	}
}

// FuzzParseSchedule: whatever parses comes due, later than asked, for ever.
func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"* * * * *", "@every 90s", "CRON_TZ=Europe/Berlin 30 2 * * 1-5", "TZ=UTC", "0 0 30 2 *", "@daily"} {
		f.Add(seed)
	}
	start := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		schedule, err := ParseSchedule(text)
		if err != nil {
			return
		}
		at := start
		for range 5 {
			next := schedule.Next(at)
			if !next.After(at) {
				t.Fatalf("%q: after %s comes %s", text, at, next)
			}
			at = next
		}
	})
}

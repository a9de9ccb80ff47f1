package synthetic

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// MinInterval is the shortest interval of an @every schedule.
const MinInterval = time.Second

// Schedule says when a journey is due. It is immutable and safe for concurrent
// use.
type Schedule struct {
	// every is the interval of an @every schedule, counted from anchor: the Unix
	// epoch, or when the scheduler began.
	every  time.Duration
	anchor time.Time
	// spec is a cron expression, read as if in UTC; zone is where it holds.
	spec *cron.SpecSchedule
	zone *time.Location
	// perHour says that the expression holds in every hour of the day.
	perHour bool
}

// ParseSchedule reads "@every 30s", a descriptor such as "@hourly", or a cron
// expression of five fields. It holds in UTC unless "CRON_TZ=Europe/Berlin "
// stands in front. Schedules that can never come due are refused.
//
// Where the clock changes, an expression for certain hours of the day comes due
// once on each day that it names: a time that is skipped in spring is made up
// for right after the gap, one that occurs twice in autumn counts the first
// time. An expression for every hour follows the time that passes.
func ParseSchedule(text string) (*Schedule, error) {
	text = strings.TrimSpace(text)
	if interval, ok := strings.CutPrefix(text, "@every"); ok {
		every, err := time.ParseDuration(strings.TrimSpace(interval))
		if err != nil || every < MinInterval {
			return nil, fmt.Errorf("@every needs an interval of at least %s, such as @every 30s", MinInterval)
		}
		return &Schedule{every: every, anchor: time.Unix(0, 0)}, nil
	}
	zone, expression, err := cutZone(text)
	if err != nil {
		return nil, err
	}
	spec, err := parseCron(expression)
	if err != nil {
		return nil, err
	}
	const everyHour = 1<<24 - 1
	schedule := &Schedule{spec: spec, zone: zone, perHour: spec.Hour&everyHour == everyHour}
	if schedule.Next(time.Now()).IsZero() {
		return nil, errors.New("the schedule never comes due")
	}
	return schedule, nil
}

// cutZone takes a leading time zone off. The library would panic when nothing
// follows it.
func cutZone(text string) (*time.Location, string, error) {
	name, zoned := strings.CutPrefix(text, "CRON_TZ=")
	if !zoned {
		name, zoned = strings.CutPrefix(text, "TZ=")
	}
	if !zoned {
		return time.UTC, text, nil
	}
	name, expression, found := strings.Cut(name, " ")
	if !found {
		return nil, "", errors.New("an expression must follow the time zone")
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return nil, "", fmt.Errorf("unknown time zone %q", name)
	}
	return zone, strings.TrimSpace(expression), nil
}

func parseCron(expression string) (*cron.SpecSchedule, error) {
	if strings.Contains(expression, "=") || strings.HasPrefix(expression, "@every") {
		return nil, errors.New("not a cron expression")
	}
	schedule, err := cron.ParseStandard("CRON_TZ=UTC " + expression)
	if err != nil {
		return nil, fmt.Errorf("not a cron expression: %w", err)
	}
	spec, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("not a cron expression")
	}
	return spec, nil
}

// Next returns the first time after `after` that the schedule is due, in UTC;
// the zero time if there is none within five years.
func (s *Schedule) Next(after time.Time) time.Time {
	after = after.Round(0)
	switch {
	case s.every > 0 && after.Before(s.anchor):
		return s.anchor.UTC()
	case s.every > 0:
		passed := after.Sub(s.anchor) / s.every
		return s.anchor.Add((passed + 1) * s.every).UTC()
	case s.perHour:
		spec := *s.spec
		spec.Location = s.zone
		return spec.Next(after.In(s.zone)).UTC()
	default:
		return s.nextOnWall(after)
	}
}

// nextOnWall walks the times that a wall clock in the zone would show if it were
// never put forward or back, and maps each to an instant.
func (s *Schedule) nextOnWall(after time.Time) time.Time {
	// One step back, in case the clock has just been put back: the map is not
	// monotonic there.
	for wall := asUTC(after.In(s.zone)).Add(-24 * time.Hour); ; {
		wall = s.spec.Next(wall)
		if wall.IsZero() {
			return wall
		}
		if instant := fromWall(wall, s.zone); instant.After(after) {
			return instant.UTC()
		}
	}
}

// asUTC is the time in UTC whose clock shows what t's shows.
func asUTC(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// fromWall is the first instant at which a clock in the zone shows wall, or, if
// it never does, what it shows at that time after the gap.
func fromWall(wall time.Time, zone *time.Location) time.Time {
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, behind := wall.Add(24 * time.Hour).In(zone).Zone()
	early := wall.Add(-time.Duration(max(before, behind)) * time.Second)
	late := wall.Add(-time.Duration(min(before, behind)) * time.Second)
	if asUTC(early.In(zone)).Equal(wall) {
		return early
	}
	return late
}

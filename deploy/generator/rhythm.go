package generator

import (
	"math/rand/v2"
	"sort"
	"time"
)

// rhythm says when sessions begin: as many as wanted, in order, more by day and
// on some days of the week.
type rhythm struct {
	from     time.Time
	step     time.Duration
	sums     []float64 // of the weights of the steps
	sessions int
	taken    int
	draw     *rand.Rand
	next     time.Time
}

// rhythmStep is how finely the rhythm is kept.
const rhythmStep = 5 * time.Minute

// byHour is how busy the hours of a local day are.
func byHour(hour int) float64 {
	return [24]float64{
		22, 14, 9, 7, 7, 10, 19, 33, 47, 58, 65, 70,
		74, 71, 66, 64, 66, 72, 82, 94, 100, 92, 68, 40,
	}[hour]
}

// byWeekday is how busy the days of a week are, from Sunday.
func byWeekday(day time.Weekday) float64 {
	return [7]float64{1.12, 1.04, 1.0, 0.97, 0.95, 0.92, 1.0}[day]
}

func newRhythm(from, to time.Time, sessions int, countries []country, draw *rand.Rand) rhythm {
	r := rhythm{from: from, step: min(rhythmStep, to.Sub(from)), sessions: sessions, draw: draw}
	var world [24]float64
	for hour := range world {
		for _, c := range countries {
			world[hour] += c.weight * c.busy(hour)
		}
	}
	sum := 0.0
	for at := from; at.Before(to); at = at.Add(r.step) {
		utc := at.UTC()
		part := float64(utc.Minute()) / 60
		weight := world[utc.Hour()]*(1-part) + world[(utc.Hour()+1)%24]*part
		// Something is always going on: no two hours of two days are alike.
		sum += weight * byWeekday(utc.Weekday()) * logNormal(draw, 1, 0.06)
		r.sums = append(r.sums, sum)
	}
	r.find()
	return r
}

// peek returns when the next session begins; false when there are no more.
func (r *rhythm) peek() (time.Time, bool) { return r.next, r.taken < r.sessions }

func (r *rhythm) take() {
	r.taken++
	r.find()
}

// find looks up when the next session begins: its share of the whole weight.
func (r *rhythm) find() {
	total := r.sums[len(r.sums)-1]
	at := (float64(r.taken) + r.draw.Float64()) / float64(r.sessions) * total
	i := min(sort.SearchFloat64s(r.sums, at), len(r.sums)-1)
	before := 0.0
	if i > 0 {
		before = r.sums[i-1]
	}
	within := (at - before) / (r.sums[i] - before)
	r.next = r.from.Add(time.Duration(i)*r.step + time.Duration(within*float64(r.step)))
}

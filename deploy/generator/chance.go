package generator

import (
	"math"
	"math/rand/v2"
	"slices"

	"throughline/beacon"
)

// logNormal draws from a log-normal distribution: most values lie near the
// median, and the 95th percentile is e^(1.64 sigma) times it.
func logNormal(draw *rand.Rand, median, sigma float64) float64 {
	return median * math.Exp(sigma*draw.NormFloat64())
}

// happens is true with that chance, 0 to 1.
func happens(draw *rand.Rand, chance float64) bool { return draw.Float64() < chance }

// choice is a table of weights that is drawn from by binary search.
type choice struct{ sums []float64 }

// newChoice takes the weights of 0, 1, 2 …
func newChoice(weights []float64) choice {
	sums, sum := make([]float64, len(weights)), 0.0
	for i, weight := range weights {
		sum += weight
		sums[i] = sum
	}
	return choice{sums}
}

// draw returns an index, each as often as its weight says.
func (c choice) draw(draw *rand.Rand) int {
	at := draw.Float64() * c.sums[len(c.sums)-1]
	i, _ := slices.BinarySearch(c.sums, at)
	return min(i, len(c.sums)-1)
}

// weightsOf collects the weights of things.
func weightsOf[T any](things []T, weight func(T) float64) []float64 {
	weights := make([]float64, len(things))
	for i, thing := range things {
		weights[i] = weight(thing)
	}
	return weights
}

// ms is a duration as browsers report it: tenths of milliseconds, within the
// bounds of the wire.
func ms(duration float64) float64 {
	return math.Round(min(max(duration, 0), float64(beacon.MaxDuration.Milliseconds()))*10) / 10
}

package synthetic

import (
	"context"
	"fmt"
	"math"
	"time"
)

// EmulateNetworkConditions slows the network down, or cuts it off, until another
// such step or the end of the run.
type EmulateNetworkConditions struct{ Conditions NetworkConditions }

// maxLatency bounds what a step may add to each request.
const maxLatency = time.Minute

// Type implements [Action].
func (EmulateNetworkConditions) Type() string { return "emulateNetworkConditions" }

func (e EmulateNetworkConditions) label() string {
	if e.Conditions.Offline {
		return "emulateNetworkConditions offline"
	}
	return fmt.Sprintf("emulateNetworkConditions %s down, %s up, %s", rateLabel(e.Conditions.DownloadBytesPerS),
		rateLabel(e.Conditions.UploadBytesPerS), e.Conditions.Latency)
}

func rateLabel(bytesPerS float64) string {
	if bytesPerS == 0 {
		return "unbounded"
	}
	return fmt.Sprintf("%g kB/s", math.Round(bytesPerS)/1000)
}

func (e EmulateNetworkConditions) run(ctx context.Context, on *stage) error {
	return on.SetNetwork(ctx, e.Conditions)
}

func (e EmulateNetworkConditions) write(w *writer) {
	for _, rate := range []struct {
		field     string
		bytesPerS float64
	}{{"download", e.Conditions.DownloadBytesPerS}, {"upload", e.Conditions.UploadBytesPerS}} {
		if rate.bytesPerS == 0 && !e.Conditions.Offline {
			rate.bytesPerS = -1
		}
		w.number(rate.field, rate.bytesPerS)
	}
	w.milliseconds("latency", e.Conditions.Latency)
}

// readEmulateNetworkConditions reads what the Recorder writes: both rates 0 are
// no network at all, and one of them, or less, is no bound.
func readEmulateNetworkConditions(r *reader) Action {
	download, upload := r.rate("download"), r.rate("upload")
	latency, given := r.number("latency")
	if !given {
		r.fail("latency", "is required")
	}
	if latency < 0 || latency > float64(maxLatency.Milliseconds()) {
		r.fail("latency", "must be from 0 to %d ms", maxLatency.Milliseconds())
	}
	return EmulateNetworkConditions{NetworkConditions{
		Offline:           download == 0 && upload == 0,
		DownloadBytesPerS: max(download, 0), UploadBytesPerS: max(upload, 0),
		Latency: time.Duration(math.Round(latency * float64(time.Millisecond))),
	}}
}

// rate reads a required number of bytes per second.
func (r *reader) rate(field string) float64 {
	rate, given := r.number(field)
	if !given {
		r.fail(field, "is required")
	}
	return rate
}

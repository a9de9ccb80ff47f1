package generator

import (
	"math"
	"math/rand/v2"

	"throughline/beacon"
)

// gadget is a visitor's device, as its browser tells of it.
type gadget struct {
	height      int     // of the viewport in CSS pixels
	memoryGB    float64 // 0: not told
	cores       int
	pixelRatio  float64
	rttMS       float64 // as the browser estimates it, 0: not told
	mbps        float64
	preferences string
}

// newGadget draws the device of a session that knows everything else.
func newGadget(s *session) gadget {
	draw := s.draw
	handheld := s.agent.device == phone || s.agent.device == tablet
	g := gadget{cores: []int{4, 8, 8, 12, 16, 6}[draw.IntN(6)], pixelRatio: []float64{1, 1, 1.25, 1.5, 2}[draw.IntN(5)]}
	g.height = int(float64(s.viewport) * (0.48 + 0.02*float64(draw.IntN(8))))
	if handheld {
		g.cores, g.pixelRatio = []int{8, 8, 6, 4}[draw.IntN(4)], []float64{2, 2.625, 2.75, 3, 3}[draw.IntN(5)]
		g.height = int(float64(s.viewport) * (1.6 + 0.06*float64(draw.IntN(6))))
	}
	if s.agent.chromium {
		g.memoryGB = 8
		if handheld || happens(draw, 0.12) {
			g.memoryGB = []float64{2, 4, 4, 8}[draw.IntN(4)]
		}
		g.rttMS = min(25*math.Round(s.roundTripMS()/25), 3000)
		g.mbps = min(0.05*math.Round(s.connection.kBPerMS*8/s.net/0.05), 10) // browsers tell no more
	}
	g.preferences = preferencesOf(draw, handheld)
	return g
}

// preferencesOf draws what a user prefers.
func preferencesOf(draw *rand.Rand, handheld bool) string {
	chances := []float64{0.05, 0.01, 0.28, 0.01} // of beacon.PreferenceNames
	if handheld {
		chances[2], chances[3] = 0.4, 0.04
	}
	names := ""
	for i, name := range beacon.PreferenceNames() {
		if !happens(draw, chances[i]) {
			continue
		}
		if names != "" {
			names += ","
		}
		names += name
	}
	return names
}

// tell fills in what the first report of a view says of the device.
func (g *gadget) tell(p *beacon.PageView, n *numbers) {
	if g.cores == 0 {
		return // a robot's browser
	}
	p.CPUCores, p.DevicePixelRatio, p.Preferences = &g.cores, n.raw(g.pixelRatio), g.preferences
	if g.memoryGB > 0 {
		p.DeviceMemoryGB, p.RTTMS, p.DownlinkMbps = n.raw(g.memoryGB), n.ms(g.rttMS), n.raw(math.Round(g.mbps*100)/100)
	}
}

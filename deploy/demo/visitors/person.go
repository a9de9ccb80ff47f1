package visitors

import (
	"context"
	"math/rand/v2"
	"time"

	"throughline/synthetic"
)

// device is what a visitor holds.
type device struct {
	userAgent string
	viewport  synthetic.Viewport
}

// UserAgent is what the visitors' browser is to say it is in what pages send on
// leaving, which is beyond the reach of a page's options.
const UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// options are those of a page that passes for a person's: visitors stand for
// people, and bots are kept apart.
func (d device) options() synthetic.PageOptions {
	const undriven = "Object.defineProperty(navigator, 'webdriver', { get: () => false })"
	return synthetic.PageOptions{UserAgent: d.userAgent, Viewport: d.viewport, InitScript: undriven}
}

// devices are common ones; that most use Chrome is as in life.
func devices() []device {
	laptop := synthetic.Viewport{Width: 1440, Height: 900, DeviceScaleFactor: 1}
	phone := synthetic.Viewport{Width: 390, Height: 844, DeviceScaleFactor: 2, Mobile: true, Touch: true}
	return []device{
		{UserAgent, laptop},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36", laptop},
		{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36", phone},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0", laptop},
	}
}

// person is who a visitor is: what with, how fast, how patient, what for.
type person struct {
	device device
	// thinks is about how long they look at something before they act.
	thinks time.Duration
	// patience is how long they wait for something before they leave.
	patience time.Duration
	errand   func(*visitor, context.Context) error
}

func newPerson(draw *rand.Rand) person {
	all := devices()
	p := person{device: all[draw.IntN(len(all))], thinks: 2 * time.Second, patience: 12 * time.Second}
	if draw.IntN(2) == 0 {
		p.thinks = 600 * time.Millisecond // knows the shop
	}
	if draw.IntN(4) == 0 {
		p.patience = 1500 * time.Millisecond // has a train to catch
	}
	switch n := draw.IntN(10); {
	case n < 3:
		p.errand = (*visitor).buy
	case n < 6:
		p.errand = (*visitor).search
	case n < 8:
		p.errand = (*visitor).browse
	default:
		p.errand = (*visitor).seeLimitedEdition
	}
	return p
}

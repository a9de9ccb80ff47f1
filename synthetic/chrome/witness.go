package chrome

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/network"

	"throughline/synthetic"
)

// Document implements [synthetic.Witness].
func (p *surface) Document() synthetic.Document {
	answer := p.state.now(p.frame).answer
	return synthetic.Document{Status: answer.status, ResponseTime: answer.took}
}

// responseTime is how long a response's head took; 0 if the browser does not say,
// as for what came from its cache.
func responseTime(timing *network.ResourceTiming) time.Duration {
	if timing == nil || timing.ReceiveHeadersEnd <= 0 {
		return 0
	}
	return time.Duration(timing.ReceiveHeadersEnd * float64(time.Millisecond))
}

// Text implements [synthetic.Reader].
func (p *surface) Text(ctx context.Context, selectors synthetic.Selectors) (text string, won int, err error) {
	ctx, done := p.bind(ctx)
	defer done()
	won, err = p.race(ctx, selectors, func(ctx context.Context, elements handle) (obstacle, error) {
		var found struct {
			obstacle
			Text string `json:"text"`
		}
		err := p.ask(ctx, &found, "read", elements)
		text = found.Text
		return found.obstacle, err
	})
	return text, won, err
}

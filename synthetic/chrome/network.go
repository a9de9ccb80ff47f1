package chrome

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"

	"throughline/synthetic"
)

// SetNetwork implements [synthetic.Navigator].
func (p *surface) SetNetwork(ctx context.Context, conditions synthetic.NetworkConditions) error {
	ctx, done := p.bind(ctx)
	defer done()
	if err := p.throttle(ctx, conditions); err != nil {
		return p.fault(ctx, err, nil)
	}
	return nil
}

// throttle sets the conditions of the network.
func (p *tab) throttle(ctx context.Context, conditions synthetic.NetworkConditions) error {
	rate := func(bytesPerS float64) float64 {
		if bytesPerS <= 0 {
			return -1
		}
		return bytesPerS
	}
	all := &network.Conditions{
		Offline: conditions.Offline, Latency: float64(conditions.Latency.Microseconds()) / 1000,
		DownloadThroughput: rate(conditions.DownloadBytesPerS), UploadThroughput: rate(conditions.UploadBytesPerS),
	}
	_, err := cdp.Call(ctx, p.session, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{all},
	})
	if err != nil {
		return err
	}
	_, err = cdp.Call(ctx, p.session, network.OverrideNetworkState, network.OverrideNetworkStateParams{
		Offline: all.Offline, Latency: all.Latency, DownloadThroughput: all.DownloadThroughput, UploadThroughput: all.UploadThroughput,
	})
	return err
}

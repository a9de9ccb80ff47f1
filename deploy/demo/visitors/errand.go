package visitors

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"throughline/synthetic"
)

// errGaveUp ends a visit before its errand is done, which is no fault.
var errGaveUp = errors.New("the visitor gave up")

// visitor is a person before a page.
type visitor struct {
	person
	page Page
	shop string
	draw *rand.Rand
}

// buy is the way that earns the money: shelf, product, cart, payment.
func (v *visitor) buy(ctx context.Context) error {
	if err := v.open(ctx, "/"); err != nil {
		return err
	}
	product := pick(v.draw, "everyday", "summit", "stripe")
	for _, click := range []string{"[data-test='product-" + product + "']", "#add", "#go-to-cart", "#checkout"} {
		if err := v.click(ctx, click); err != nil {
			return err
		}
	}
	for _, field := range [][2]string{{"#name", "Ada"}, {"#email", "ada@example.com"}, {"#address", "1 Kiln Lane"}} {
		if err := v.write(ctx, field[0], field[1], 20*time.Millisecond); err != nil {
			return err
		}
	}
	// A payment that fails is tried again, a few times; then it is enough.
	for range 3 {
		if err := v.click(ctx, "#pay"); err != nil {
			return err
		}
		if err := v.see(ctx, "[data-test='order-number'], #pay-error:not(:empty)"); err != nil {
			return err
		}
		if strings.Contains(v.page.URL(), "/thanks/") {
			v.think(ctx)
			return nil
		}
	}
	return errGaveUp
}

// search knows what it wants, and leaves if that takes too long.
func (v *visitor) search(ctx context.Context) error {
	if err := v.open(ctx, "/"); err != nil {
		return err
	}
	if err := v.write(ctx, "#q", pick(v.draw, "mug", "tea", "stripe"), 60*time.Millisecond); err != nil {
		return err
	}
	if err := v.click(ctx, "#find"); err != nil {
		return err
	}
	if err := v.see(ctx, ".result"); err != nil {
		return err
	}
	if err := v.click(ctx, ".result a"); err != nil {
		return err
	}
	v.think(ctx)
	return nil
}

// browse looks around and buys nothing.
func (v *visitor) browse(ctx context.Context) error {
	for range 2 + v.draw.IntN(2) {
		if err := v.open(ctx, "/"); err != nil {
			return err
		}
		if err := v.page.Wheel(ctx, 0, 400); err != nil {
			return fmt.Errorf("scroll: %w", err)
		}
		if err := v.click(ctx, "[data-test='product-"+pick(v.draw, "everyday", "summit", "stripe")+"']"); err != nil {
			return err
		}
		v.think(ctx)
	}
	return nil
}

// seeLimitedEdition comes by a link to the page whose script sometimes fails.
func (v *visitor) seeLimitedEdition(ctx context.Context) error {
	if err := v.open(ctx, "/product/moonrise"); err != nil {
		return err
	}
	if err := v.click(ctx, "#add"); err != nil {
		return err
	}
	return v.see(ctx, "#go-to-cart")
}

func (v *visitor) open(ctx context.Context, path string) error {
	waiting, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	if _, err := v.page.Navigate(waiting, v.shop+path); err != nil {
		return v.impatience(ctx, waiting, fmt.Errorf("open %s: %w", path, err))
	}
	return nil
}

// click thinks and clicks, and waits as long as the patience lasts.
func (v *visitor) click(ctx context.Context, selector string) error {
	v.think(ctx)
	waiting, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	if _, err := v.page.Click(waiting, synthetic.CSS(selector), synthetic.ClickOptions{}); err != nil {
		return v.impatience(ctx, waiting, fmt.Errorf("click %s: %w", selector, err))
	}
	return nil
}

func (v *visitor) write(ctx context.Context, selector, text string, perKey time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	if err := v.page.Type(waiting, synthetic.CSS(selector), text, perKey); err != nil {
		return v.impatience(ctx, waiting, fmt.Errorf("type into %s: %w", selector, err))
	}
	return nil
}

func (v *visitor) see(ctx context.Context, selector string) error {
	waiting, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	condition := synthetic.ElementCondition{Selectors: synthetic.CSS(selector), Operator: ">=", Count: 1}
	if err := v.page.WaitForElement(waiting, condition); err != nil {
		return v.impatience(ctx, waiting, fmt.Errorf("wait for %s: %w", selector, err))
	}
	return nil
}

// impatience tells a visitor who had enough from a fault.
func (v *visitor) impatience(ctx, waiting context.Context, err error) error {
	if ctx.Err() == nil && waiting.Err() != nil {
		return errGaveUp
	}
	return err
}

// think takes a while that differs, and some take much longer.
func (v *visitor) think(ctx context.Context) {
	factor := 0.5 + v.draw.ExpFloat64()/2
	sleep(ctx, time.Duration(min(factor, 4)*float64(v.thinks)))
}

func pick(draw *rand.Rand, words ...string) string { return words[draw.IntN(len(words))] }

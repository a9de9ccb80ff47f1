package generator

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// words are what stands for the {words} of paths.
type words struct {
	lists   map[string][]string
	product choice
}

// products is how many the shop sells.
const products = 3000

func newWords(draw *rand.Rand) words {
	split := strings.Fields
	w := words{lists: map[string][]string{
		"category": split("mugs bowls plates teapots jugs vases glasses cutlery candles linen baskets boards lamps garden kids gifts"),
		"theme":    split("last-chance up-to-50 outlet autumn kitchen table-for-six seconds"),
		"brand":    split("aalto-and-sons bruma calder-clay dorn fjord-linen gleam hollis ida-keramik juniper kiln-lane loft moorland nord-glas osier pell quarry rosa-verde"),
		"topic":    split("delivery-times change-order track-parcel payment-methods invoices damaged-items gift-wrapping care-of-stoneware sizes warranty delete-account vouchers"),
		"city":     split("berlin hamburg munich cologne vienna zurich paris lyon amsterdam london leeds milan"),
		"post":     split("how-a-mug-is-made glazing-at-home slow-breakfasts the-potter-of-kiln-lane tea-for-beginners setting-a-table ten-gifts-under-20 repairing-with-gold linen-care visiting-bruma studio-notes winter-lights"),
		"author":   split("ada mio henrik noor"),
		"job":      split("front-end-developer-1204 warehouse-lead-1187 buyer-ceramics-1211 data-analyst-1219 photographer-1223"),
		"missing":  split("wp-login.php old/shop.html product pricelist.pdf katalog mugs"),
	}}
	adjectives := split("everyday summit stripe moonrise plain tall low speckled midnight sage amber nordic oval ribbed twin petite grand rustic matte coastal")
	nouns := split("mug bowl plate teapot jug vase tumbler carafe candle board basket lamp napkin tray saucer pot ladle cup dish planter")
	for i := range products {
		name := adjectives[draw.IntN(len(adjectives))] + "-" + nouns[draw.IntN(len(nouns))]
		w.lists["product"] = append(w.lists["product"], fmt.Sprintf("%s-%d", name, 10_000+i*7))
	}
	// A few are looked at all the time and most hardly ever.
	weights := make([]float64, products)
	for i := range weights {
		weights[i] = 1 / math.Pow(float64(i+4), 0.9)
	}
	w.product = newChoice(weights)
	return w
}

// fill puts words in the place of the {words} of a template; where the template
// names the product it is the given one.
func (w *words) fill(draw *rand.Rand, template, product string) string {
	if !strings.Contains(template, "{") {
		return template
	}
	var path strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		path.WriteString(before)
		if !found {
			return path.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		switch name {
		case "product":
			path.WriteString(product)
		case "order":
			fmt.Fprintf(&path, "%d", 40_000_000+draw.IntN(50_000_000))
		case "code":
			_, _ = path.Write(appendHex(nil, draw.Uint64())[:10])
		default:
			list := w.lists[name]
			path.WriteString(list[draw.IntN(len(list))])
		}
		template = after
	}
}

// anyProduct draws one of the products, the popular ones more often.
func (w *words) anyProduct(draw *rand.Rand) string {
	return w.lists["product"][w.product.draw(draw)]
}

package shop

import (
	"fmt"
	"strings"
)

// limitedEdition is the product whose page has the faulty script.
const limitedEdition = "moonrise"

// Product is one thing that the shop sells.
type Product struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	PriceCents int    `json:"price_cents"` // euro cents, with tax
	Blurb      string `json:"blurb"`
	SizeML     int    `json:"size_ml"`
	look       look
}

// look is how a mug is drawn.
type look struct {
	body, glaze, wall string // colours: the mug, its pattern, what stands behind it
	pattern           pattern
}

type pattern string

const (
	plain    pattern = "plain"
	stripes  pattern = "stripes"
	dots     pattern = "dots"
	dipped   pattern = "dipped"
	mountain pattern = "mountain"
	moon     pattern = "moon"
)

// catalog returns what the shop sells, in the order of its shelf.
func catalog() []Product {
	return []Product{
		{"everyday", "Everyday Mug", 1450, "The one you reach for first. Stoneware, stackable, quietly good.", 300, look{"#c8694a", "#a9502f", "#f6e3d3", plain}},
		{"dipped-blue", "Dipped Mug, Harbour Blue", 1850, "Half raw clay, half deep blue glaze, dipped by hand.", 320, look{"#e9dcc6", "#2f5d8a", "#dfe8f0", dipped}},
		{"stripe", "Deckchair Stripe Mug", 1650, "Summer on a shelf: five bands of white on sea green.", 300, look{"#2f7f79", "#f4f1e8", "#dcebe6", stripes}},
		{"confetti", "Confetti Mug", 1750, "Every dot placed by hand, so no two are quite alike.", 280, look{"#f7efe2", "#d1743b", "#f3e0ea", dots}},
		{limitedEdition, "Moonrise Mug, Limited Edition", 3400, "A small run in midnight glaze, numbered underneath.", 350, look{"#232a4d", "#f0d58a", "#d9d8ea", moon}},
		{"summit", "Summit Mug", 1950, "A ridge line that appears to move as you turn it.", 350, look{"#e7e3da", "#5b6f62", "#e2eadf", mountain}},
		{"espresso", "Espresso Cup, Pair", 1600, "Two small cups with thick walls that keep the heat.", 80, look{"#5a3b2c", "#8a5f47", "#efe1d6", plain}},
		{"dipped-sage", "Dipped Mug, Sage", 1850, "Half raw clay, half soft green glaze, dipped by hand.", 320, look{"#e9dcc6", "#7c9473", "#e8eee2", dipped}},
		{"camp", "Camp Mug", 1250, "Enamel on steel. Drop it, dent it, keep it.", 400, look{"#eceae3", "#27415e", "#dce3ea", stripes}},
		{"polka", "Polka Tea Mug", 1550, "Wide enough for a proper brew, with room for a biscuit.", 420, look{"#b3344a", "#f9eee4", "#f7dfe0", dots}},
		{"ridge", "Ridge Mug, Charcoal", 1950, "The Summit at dusk. Matt outside, glossy inside.", 350, look{"#3c4043", "#8f9aa0", "#e3e5e7", mountain}},
		{"travel", "Travel Mug", 2450, "Porcelain with a cork sleeve, and a lid that does not leak.", 450, look{"#f4f0e6", "#b98a5a", "#ece2d2", dipped}},
	}
}

// find returns the product with the id.
func (s *Shop) find(id string) (Product, bool) {
	for _, p := range s.catalog {
		if p.ID == id {
			return p, true
		}
	}
	return Product{}, false
}

// matching returns the products whose name or description has every word of
// the query, in the order of the shelf. An empty query matches nothing.
func (s *Shop) matching(query string) []Product {
	found := []Product{}
	words := strings.Fields(strings.ToLower(query))
	if len(words) == 0 {
		return found
	}
	for _, p := range s.catalog {
		if hasAll(strings.ToLower(p.Name+" "+p.Blurb), words) {
			found = append(found, p)
		}
	}
	return found
}

func hasAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// price writes euro cents for people.
func price(cents int) string {
	return fmt.Sprintf("€%d.%02d", cents/100, cents%100)
}

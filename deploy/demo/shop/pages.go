package shop

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
)

// cartCookie names the visitor's cart. It ends with the browser session.
const cartCookie = "cart"

// page is what every template gets.
type page struct {
	Title     string
	Name      string // of the template, and of the page's own style
	ScriptURL string
	Release   string
	Script    string // the page's own script under /static, if it has one
	CartCount int
	Query     string
	Content   any
}

// cartLine is a line of a cart or order, ready to be shown.
type cartLine struct {
	Product  Product
	Quantity int
	SumCents int
}

func total(lines []cartLine) int {
	sum := 0
	for _, l := range lines {
		sum += l.SumCents
	}
	return sum
}

func (s *Shop) home(w http.ResponseWriter, r *http.Request) {
	s.readDatabase(r.Context(), "products", s.delays.page)
	s.render(w, r, http.StatusOK, page{Name: "home", Title: "Mugs worth waking up for", Content: s.catalog})
}

func (s *Shop) search(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, page{
		Name: "search", Title: "Search", Script: "search.js", Query: r.URL.Query().Get("q"),
	})
}

func (s *Shop) product(w http.ResponseWriter, r *http.Request) {
	s.readDatabase(r.Context(), "products", s.delays.page)
	p, ok := s.find(r.PathValue("id"))
	if !ok {
		s.notFound(w, r)
		return
	}
	content := struct {
		Product Product
		// Edition is data for the page's script; see limitedEdition.
		Edition string
		Limited bool
	}{Product: p, Limited: p.ID == limitedEdition}
	if content.Limited {
		content.Edition = s.edition()
	}
	s.render(w, r, http.StatusOK, page{Name: "product", Title: p.Name, Script: "product.js", Content: content})
}

// edition is what the limited edition's script reads. The fault is a classic:
// the data lacks a part that the script takes for granted.
func (s *Shop) edition() string {
	if s.chance.hits(s.faults.ScriptError) {
		return `{"of":200}`
	}
	left := 12 + int(s.now().Unix()/3600)%40
	return `{"of":200,"stock":{"left":` + strconv.Itoa(left) + `}}`
}

func (s *Shop) cart(w http.ResponseWriter, r *http.Request) {
	s.readDatabase(r.Context(), "carts", s.delays.page)
	s.render(w, r, http.StatusOK, page{Name: "cart", Title: "Your cart", Script: "cart.js", Content: s.cartContent(r)})
}

func (s *Shop) checkout(w http.ResponseWriter, r *http.Request) {
	s.readDatabase(r.Context(), "carts", s.delays.page)
	s.render(w, r, http.StatusOK, page{Name: "checkout", Title: "Checkout", Script: "checkout.js", Content: s.cartContent(r)})
}

func (s *Shop) thanks(w http.ResponseWriter, r *http.Request) {
	s.readDatabase(r.Context(), "orders", s.delays.page)
	o, ok := s.orders.get(r.PathValue("order"))
	if !ok {
		s.notFound(w, r)
		return
	}
	s.render(w, r, http.StatusOK, page{Name: "thanks", Title: "Thank you", Content: o})
}

func (s *Shop) notFound(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusNotFound, page{Name: "missing", Title: "Not found"})
}

// cartContent is the visitor's cart as the templates show it.
func (s *Shop) cartContent(r *http.Request) any {
	lines := s.shown(s.carts.lines(cartID(r)))
	return struct {
		Lines      []cartLine
		TotalCents int
	}{lines, total(lines)}
}

// shown joins the lines of a cart with their products.
func (s *Shop) shown(lines []line) []cartLine {
	shown := make([]cartLine, 0, len(lines))
	for _, l := range lines {
		if p, ok := s.find(l.productID); ok {
			shown = append(shown, cartLine{Product: p, Quantity: l.quantity, SumCents: l.quantity * p.PriceCents})
		}
	}
	return shown
}

// render writes a page: the template of its name within the common layout.
func (s *Shop) render(w http.ResponseWriter, r *http.Request, status int, p page) {
	p.ScriptURL, p.Release = s.scriptURL, s.release
	p.CartCount = count(s.carts.lines(cartID(r)))
	inner, err := s.execute(p.Name+".html", p)
	if err == nil {
		p.Content = template.HTML(inner.String()) // made by html/template just above
		inner, err = s.execute("layout.html", p)
	}
	if err != nil {
		s.log.Error("render page", "page", p.Name, "error", err)
		http.Error(w, "This page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(status)
	_, _ = inner.WriteTo(w) // the visitor may have gone
}

func (s *Shop) execute(name string, p page) (*bytes.Buffer, error) {
	var out bytes.Buffer
	err := s.pages.ExecuteTemplate(&out, name, p)
	return &out, err
}

// cartID returns the id of the visitor's cart, or "" if they have none.
func cartID(r *http.Request) string {
	cookie, err := r.Cookie(cartCookie)
	if err != nil || len(cookie.Value) > 64 {
		return ""
	}
	return cookie.Value
}

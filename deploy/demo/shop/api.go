package shop

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/mail"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// maxFieldRunes bounds each field of the checkout form, and the search query.
const maxFieldRunes = 200

// problem is the body of every answer of the API that is an error.
type problem struct {
	Error string `json:"error"`
	// Field is the form field that is wrong, if one is.
	Field string `json:"field,omitempty"`
}

func (s *Shop) apiSearch(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query().Get("q")
	if utf8.RuneCountInString(query) > maxFieldRunes {
		writeJSON(w, http.StatusBadRequest, problem{Error: "That search is too long.", Field: "q"})
		return
	}
	ctx, span := s.tracer.Start(r.Context(), "search index", trace.WithSpanKind(trace.SpanKindClient))
	s.wait(ctx, s.delays.search)
	span.End()
	writeJSON(w, http.StatusOK, map[string]any{"results": s.matching(query)})
}

// apiRecommendations is slow, as such things are, and always has three answers.
func (s *Shop) apiRecommendations(w http.ResponseWriter, r *http.Request) {
	ctx, span := s.tracer.Start(r.Context(), "recommendation model", trace.WithSpanKind(trace.SpanKindClient))
	s.wait(ctx, s.delays.recommendations)
	span.End()
	viewed := r.URL.Query().Get("product")
	start := len(viewed)
	picked := make([]Product, 0, 3)
	for i := 0; len(picked) < cap(picked); i++ {
		p := s.catalog[(start+5*i)%len(s.catalog)]
		if p.ID != viewed {
			picked = append(picked, p)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"products": picked})
}

// apiReviews answers for the limited edition, at the rate of Faults.Rejection,
// with a page where JSON was promised, as gateways do.
func (s *Shop) apiReviews(w http.ResponseWriter, r *http.Request) {
	s.readDatabase(r.Context(), "reviews", s.delays.reviews)
	p, ok := s.find(r.PathValue("id"))
	if !ok {
		s.apiNotFound(w, r)
		return
	}
	if p.ID == limitedEdition && s.chance.hits(s.faults.Rejection) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>Reviews</title><p>We are moving the reviews. Back soon.</p>"))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"stars": 4 + len(p.ID)%2, "reviews": 17 + 9*len(p.Name)})
}

func (s *Shop) apiAddToCart(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Product string `json:"product"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	p, ok := s.find(body.Product)
	if !ok {
		writeJSON(w, http.StatusUnprocessableEntity, problem{Error: "There is no such product.", Field: "product"})
		return
	}
	s.wait(r.Context(), s.delays.cart)
	id := cartID(r)
	if id == "" {
		id = newCartID()
		http.SetCookie(w, &http.Cookie{
			Name: cartCookie, Value: id, Path: "/", HttpOnly: true,
			Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"count": s.carts.add(id, p.ID)})
}

func (s *Shop) apiRemoveFromCart(w http.ResponseWriter, r *http.Request) {
	s.wait(r.Context(), s.delays.cart)
	writeJSON(w, http.StatusOK, map[string]any{"count": s.carts.remove(cartID(r), r.PathValue("id"))})
}

// buyer is the checkout form. The shop checks it and forgets it.
type buyer struct {
	Name    string `json:"name"`
	Email   string `json:"email"`
	Address string `json:"address"`
}

func (s *Shop) apiPay(w http.ResponseWriter, r *http.Request) {
	var b buyer
	if !readJSON(w, r, &b) {
		return
	}
	if wrong := b.check(); wrong != nil {
		writeJSON(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	lines := s.shown(s.carts.lines(cartID(r)))
	if len(lines) == 0 {
		writeJSON(w, http.StatusConflict, problem{Error: "Your cart is empty."})
		return
	}
	if err := s.charge(r.Context()); err != nil {
		s.log.WarnContext(r.Context(), "payment failed", "error", err)
		writeJSON(w, http.StatusBadGateway, problem{Error: "The payment provider did not answer. You have not been charged. Please try again."})
		return
	}
	number := s.orders.place(lines, s.now())
	s.carts.empty(cartID(r))
	writeJSON(w, http.StatusOK, map[string]any{"order": number})
}

var errProvider = errors.New("payment provider: 504 after retry")

// charge asks the payment provider, which fails at the rate of Faults.Payment.
func (s *Shop) charge(ctx context.Context) error {
	ctx, span := s.tracer.Start(ctx, "payment provider", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	if s.chance.hits(s.faults.Payment) {
		s.wait(ctx, s.delays.paymentFailure)
		span.RecordError(errProvider)
		span.SetStatus(codes.Error, errProvider.Error())
		return errProvider
	}
	s.wait(ctx, s.delays.payment)
	return nil
}

// check returns what is wrong with the form, or nil.
func (b buyer) check() *problem {
	for _, field := range []struct{ name, value string }{{"name", b.Name}, {"email", b.Email}, {"address", b.Address}} {
		if strings.TrimSpace(field.value) == "" {
			return &problem{Error: "Please fill in your " + field.name + ".", Field: field.name}
		}
		if utf8.RuneCountInString(field.value) > maxFieldRunes {
			return &problem{Error: "That " + field.name + " is too long.", Field: field.name}
		}
	}
	if _, err := mail.ParseAddress(b.Email); err != nil {
		return &problem{Error: "That is not an e-mail address.", Field: "email"}
	}
	return nil
}

func (s *Shop) apiNotFound(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusNotFound, problem{Error: "There is no such thing."})
}

// readJSON decodes the body; if it cannot, it has answered and returns false.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(r.Body).Decode(into)
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		writeJSON(w, http.StatusRequestEntityTooLarge, problem{Error: "That is too much."})
		return false
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, problem{Error: "The request is not valid JSON."})
		return false
	}
	return true
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the visitor may have gone
}

package server

import (
	"context"
	"net/http"
)

// Admin is what the admin side shows. It listens on loopback unless told
// otherwise, since it knows no users.
type Admin struct {
	Metrics http.Handler
	Console http.Handler
	// Ready says why reports cannot be stored now; nil when they can.
	Ready func(context.Context) error
}

// Handler returns the admin side:
//
//	/livez    the process answers
//	/readyz   reports can be stored; 503 says why not
//	/metrics  Prometheus
//	/         the console
func (a Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.Ready(r.Context()); err != nil {
			plain(w, http.StatusServiceUnavailable, "not ready: "+err.Error()+"\n")
			return
		}
		plain(w, http.StatusOK, "ok\n")
	})
	mux.Handle("GET /metrics", a.Metrics)
	mux.Handle("/", a.Console)
	return mux
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

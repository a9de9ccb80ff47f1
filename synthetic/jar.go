package synthetic

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// jar holds the cookies of a run's requests without a browser. Those of a run with a
// page are the page's: they are taken from it before a request and given back after
// it. It is used by one goroutine at a time.
type jar struct {
	http.CookieJar
	page Page // nil for a run without a browser
	// set holds what was answered since the cookies were taken.
	set []answeredCookies
}

// answeredCookies are cookies that an address has answered with.
type answeredCookies struct {
	from    *url.URL
	cookies []*http.Cookie
}

// newJar returns the cookies of a run.
func newJar(page Page, paged bool) *jar {
	j := &jar{CookieJar: emptyJar()}
	if paged {
		j.page = page
	}
	return j
}

func emptyJar() http.CookieJar {
	empty, _ := cookiejar.New(nil) // fails never
	return empty
}

// SetCookies implements [http.CookieJar].
func (j *jar) SetCookies(from *url.URL, cookies []*http.Cookie) {
	j.CookieJar.SetCookies(from, cookies)
	j.set = append(j.set, answeredCookies{from, cookies})
}

// take takes the cookies of the page.
func (j *jar) take(ctx context.Context) error {
	j.set = nil
	if j.page == nil {
		return nil
	}
	cookies, err := j.page.Cookies(ctx)
	if err != nil {
		return err
	}
	j.CookieJar = emptyJar()
	for _, cookie := range cookies {
		from := &url.URL{Scheme: "http", Host: cookie.Domain, Path: "/"}
		if cookie.Secure {
			from.Scheme = "https"
		}
		its := &http.Cookie{Name: cookie.Name, Value: cookie.Value, Path: cookie.Path, Secure: cookie.Secure, Expires: cookie.Expires}
		if below, ok := strings.CutPrefix(cookie.Domain, "."); ok {
			from.Host, its.Domain = below, below
		}
		j.CookieJar.SetCookies(from, []*http.Cookie{its})
	}
	return nil
}

// give gives the page what was answered.
func (j *jar) give(ctx context.Context) error {
	if j.page == nil {
		return nil
	}
	for _, answered := range j.set {
		if err := j.page.SetCookies(ctx, answered.from, answered.cookies); err != nil {
			return err
		}
	}
	return nil
}

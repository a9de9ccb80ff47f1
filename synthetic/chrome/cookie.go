package chrome

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"

	"throughline/synthetic"
)

// giveCookies sets the cookies that the page begins with.
func (p *Page) giveCookies(ctx context.Context, setup *commands) {
	if cookies := p.cookies(); len(cookies) > 0 {
		setup.add("set cookies", func() error {
			_, err := cdp.Call(ctx, p.browser.client, storage.SetCookies, storage.SetCookiesParams{
				Cookies: cookies, BrowserContextID: p.contextID,
			})
			return err
		})
	}
}

// cookies are those that the page begins with.
func (p *shared) cookies() []*network.CookieParam {
	all := p.options.Cookies
	if p.options.State != nil {
		all = append(append([]synthetic.Cookie(nil), p.options.State.Cookies...), all...)
	}
	var params []*network.CookieParam
	for _, cookie := range all {
		param := &network.CookieParam{
			Name: cookie.Name, Value: cookie.Value, Path: cmp.Or(cookie.Path, "/"),
			Secure: cookie.Secure, HTTPOnly: cookie.HTTPOnly, SameSite: network.CookieSameSite(cookie.SameSite),
		}
		if !cookie.Expires.IsZero() {
			param.Expires = cdp.TimeSinceEpoch(float64(cookie.Expires.UnixMilli()) / 1000)
		}
		switch {
		case strings.HasPrefix(cookie.Domain, "."):
			param.Domain = cookie.Domain
		case cookie.Secure:
			param.URL = "https://" + cookie.Domain + param.Path
		default:
			param.URL = "http://" + cookie.Domain + param.Path
		}
		params = append(params, param)
	}
	return params
}

// Cookies implements [synthetic.Page].
func (p *Page) Cookies(ctx context.Context) ([]synthetic.Cookie, error) {
	ctx, done := p.bind(ctx)
	defer done()
	cookies, err := p.ownCookies(ctx)
	if err != nil {
		return nil, p.fault(ctx, err, nil)
	}
	return cookies, nil
}

// ownCookies returns the cookies of the page's browser context.
func (p *Page) ownCookies(ctx context.Context) ([]synthetic.Cookie, error) {
	result, err := cdp.Call(ctx, p.browser.client, storage.GetCookies, storage.GetCookiesParams{
		BrowserContextID: p.contextID,
	})
	if err != nil {
		return nil, err
	}
	var cookies []synthetic.Cookie
	for _, c := range result.Cookies {
		cookie := synthetic.Cookie{
			Name: c.Name, Value: c.Value, Domain: c.Domain, Path: c.Path,
			Secure: c.Secure, HTTPOnly: c.HTTPOnly, SameSite: string(c.SameSite),
		}
		if !c.Session && c.Expires > 0 {
			cookie.Expires = time.UnixMilli(int64(c.Expires * 1000)).UTC()
		}
		cookies = append(cookies, cookie)
	}
	return cookies, nil
}

// SetCookies implements [synthetic.Page]. The browser itself checks that the address
// may set them.
func (p *Page) SetCookies(ctx context.Context, from *url.URL, cookies []*http.Cookie) error {
	ctx, done := p.bind(ctx)
	defer done()
	for _, cookie := range cookies {
		param := &network.CookieParam{
			Name: cookie.Name, Value: cookie.Value, URL: from.Scheme + "://" + from.Host + from.EscapedPath(), Domain: cookie.Domain, Path: cookie.Path,
			Secure: cookie.Secure, HTTPOnly: cookie.HttpOnly, SameSite: sameSite(cookie.SameSite),
		}
		expires := cookie.Expires
		switch {
		case cookie.MaxAge < 0:
			expires = time.Unix(1, 0)
		case cookie.MaxAge > 0:
			expires = time.Now().Add(time.Duration(cookie.MaxAge) * time.Second)
		}
		if !expires.IsZero() {
			param.Expires = cdp.TimeSinceEpoch(float64(expires.UnixMilli()) / 1000)
		}
		_, err := cdp.Call(ctx, p.browser.client, storage.SetCookies, storage.SetCookiesParams{
			Cookies: []*network.CookieParam{param}, BrowserContextID: p.contextID,
		})
		var refused *cdproto.Error
		switch {
		case errors.As(err, &refused):
			p.log.Info("cookie refused", "name", cookie.Name, "host", from.Host, "error", refused.Message)
		case err != nil:
			return p.fault(ctx, err, nil)
		}
	}
	return nil
}

func sameSite(mode http.SameSite) network.CookieSameSite {
	switch mode {
	case http.SameSiteStrictMode:
		return network.CookieSameSiteStrict
	case http.SameSiteLaxMode:
		return network.CookieSameSiteLax
	case http.SameSiteNoneMode:
		return network.CookieSameSiteNone
	default:
		return ""
	}
}

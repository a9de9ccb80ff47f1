package chrome

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"

	"throughline/beacon"
	"throughline/synthetic"
)

// Bounds of what is kept of what sites keep.
const (
	maxStateBytes   = 1 << 20
	maxStateOrigins = 16
	maxStateCookies = 500
)

// keepBinding is what our world of the page calls to tell of a document's local
// storage. The page's own scripts cannot.
const keepBinding = "throughlineKeep"

// restoredMark says in a tab's session storage that the local storage of an origin
// was restored.
const restoredMark = "throughline-restored"

// told is the local storage of the document at hand, with its origin.
const told = `JSON.stringify({origin: location.origin, items: {...localStorage}})`

// keep holds the local storage of the documents that the page has left.
type keep struct {
	wanted bool

	mu      sync.Mutex
	origins map[string]map[string]string
	err     error // why not all of it is there
}

func newKeep(wanted bool) *keep {
	return &keep{wanted: wanted, origins: map[string]map[string]string{}}
}

// follow takes what a document tells when it is left.
func (k *keep) follow(event any) {
	e, ok := event.(*runtime.EventBindingCalled)
	if !ok || !k.wanted || e.Name != keepBinding {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.take(e.Payload); err != nil && k.err == nil {
		k.err = err
	}
}

// take notes the local storage of an origin. The lock is held.
func (k *keep) take(payload string) error {
	if len(payload) > maxStateBytes {
		return fmt.Errorf("the local storage has more than %d bytes", maxStateBytes)
	}
	var site struct {
		Origin string            `json:"origin"`
		Items  map[string]string `json:"items"`
	}
	if err := json.Unmarshal([]byte(payload), &site); err != nil {
		return fmt.Errorf("local storage: %w", err)
	}
	u, err := url.Parse(site.Origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || len(site.Items) == 0 {
		delete(k.origins, site.Origin)
		return nil
	}
	if k.origins[site.Origin] == nil && len(k.origins) >= maxStateOrigins {
		return fmt.Errorf("more than %d origins have local storage", maxStateOrigins)
	}
	k.origins[site.Origin] = site.Items
	return nil
}

// restore has each document find the local storage of its origin, once in a tab,
// and tell of it when it is left.
func (p *tab) restore(ctx context.Context, setup *commands) {
	if p.options.State != nil && len(p.options.State.Storage) > 0 {
		setup.add("restore local storage", func() error {
			script, err := restoring(p.options.State.Storage)
			if err != nil {
				return err
			}
			return p.addScript(ctx, script, worldName)
		})
	}
	if !p.options.KeepState {
		return
	}
	setup.add("watch local storage", func() error {
		_, err := cdp.Call(ctx, p.session, runtime.AddBinding, runtime.AddBindingParams{Name: keepBinding, ExecutionContextName: worldName})
		if err != nil {
			return err
		}
		return p.addScript(ctx, fmt.Sprintf(
			`if (/^https?:$/.test(location.protocol)) addEventListener("beforeunload", () => { try { %s(%s) } catch {} })`, keepBinding, told), worldName)
	})
}

// restoring is the script that restores local storage.
func restoring(origins map[string]map[string]string) (string, error) {
	data, err := json.Marshal(origins)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`(() => {
	const all = %s, mark = %q
	if (!Object.hasOwn(all, location.origin)) return
	try {
		if (sessionStorage.getItem(mark)) return
		sessionStorage.setItem(mark, "1")
		for (const [key, value] of Object.entries(all[location.origin])) localStorage.setItem(key, value)
	} catch {}
})()`, data, restoredMark), nil
}

// State implements [synthetic.Page].
func (p *Page) State(ctx context.Context) (synthetic.State, error) {
	ctx, done := p.bind(ctx)
	defer done()
	state, err := p.kept(ctx)
	if err != nil {
		return synthetic.State{}, p.fault(ctx, err, nil)
	}
	return state, nil
}

func (p *Page) kept(ctx context.Context) (synthetic.State, error) {
	if !p.options.KeepState {
		return synthetic.State{}, errors.New("the page was not opened to keep its state")
	}
	cookies, err := p.ownCookies(ctx)
	if err != nil {
		return synthetic.State{}, err
	}
	if len(cookies) > maxStateCookies {
		return synthetic.State{}, tooLarge(fmt.Errorf("there are more than %d cookies", maxStateCookies))
	}
	if world := p.ourWorld(); world.unique != "" {
		result, err := p.evaluate(ctx, `(() => { try { return `+told+` } catch { return "{}" } })()`, world)
		if err != nil {
			return synthetic.State{}, err
		}
		var payload string
		if err := json.Unmarshal(result.Value, &payload); err != nil {
			return synthetic.State{}, err
		}
		p.keep.mu.Lock()
		err = p.keep.take(payload)
		p.keep.mu.Unlock()
		if err != nil {
			return synthetic.State{}, tooLarge(err)
		}
	}
	p.keep.mu.Lock()
	defer p.keep.mu.Unlock()
	if p.keep.err != nil {
		return synthetic.State{}, tooLarge(p.keep.err)
	}
	bytes := 0
	for _, items := range p.keep.origins {
		for key, value := range items {
			bytes += len(key) + len(value)
		}
	}
	if bytes > maxStateBytes {
		return synthetic.State{}, tooLarge(fmt.Errorf("the local storage has more than %d bytes", maxStateBytes))
	}
	return synthetic.State{Cookies: cookies, Storage: maps.Clone(p.keep.origins)}, nil
}

// tooLarge blames the site for a state that cannot be kept: half a login is none.
func tooLarge(err error) error {
	return &synthetic.Fault{Reason: beacon.ReasonAssertion, Message: "the state of the page cannot be kept: " + err.Error(), Err: err}
}

package ingest

import (
	"strings"
	"sync"

	"github.com/mileusna/useragent"
)

// maxUserAgents bounds the cache of parsed user agents.
const maxUserAgents = 10_000

// userAgents reads User-Agent headers and remembers the answers; sites see few
// different ones. It is safe for concurrent use.
type userAgents struct {
	mu   sync.RWMutex
	seen map[string]Client
}

func newUserAgents() *userAgents { return &userAgents{seen: map[string]Client{}} }

func (u *userAgents) client(header string) Client {
	u.mu.RLock()
	client, ok := u.seen[header]
	u.mu.RUnlock()
	if ok {
		return client
	}
	header = strings.Clone(header) // it may be part of a larger buffer
	client = readUserAgent(header)
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.seen) >= maxUserAgents {
		clear(u.seen)
	}
	u.seen[header] = client
	return client
}

// maxClientNameBytes is longer than the names of browsers and systems are.
const maxClientNameBytes = 40

// clientName drops what is too long to be the name of anything.
func clientName(name string) string {
	if len(name) > maxClientNameBytes {
		return "(other)"
	}
	return name
}

func readUserAgent(header string) Client {
	if header == "" {
		return Client{}
	}
	agent := useragent.Parse(header)
	client := Client{Browser: clientName(agent.Name), OS: clientName(agent.OS)}
	version, _, _ := strings.Cut(agent.Version, ".")
	client.BrowserVersion = clientName(version)
	switch {
	case agent.Bot:
		client.Device = "bot"
	case agent.Tablet:
		client.Device = "tablet"
	case agent.Mobile:
		client.Device = "mobile"
	case agent.Desktop:
		client.Device = "desktop"
	}
	return client
}

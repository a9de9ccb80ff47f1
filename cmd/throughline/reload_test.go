package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"throughline/cmd/throughline/config"
)

// post sends an error report to the collector with that write key.
func post(t *testing.T, collector, key string) (status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, collector+"/v1/events?key="+key, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "https://shop.example")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	return response.StatusCode
}

// A hangup brings a new app in; a file that is wrong changes nothing and is
// named in the log.
func TestCollector_ReadsItsConfigurationAgain(t *testing.T) {
	var log screen
	co, stop := startStoppable(t, "https://shop.example", &log)
	defer func() {
		if err := stop(nil); err != nil {
			t.Error(err)
		}
	}()
	file := filepath.Join(t.TempDir(), "throughline.yaml")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := func() (config.Config, error) { return config.Load(file, os.Getenv, func(*config.Config) {}) }
	signals := make(chan os.Signal)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go co.watchReload(ctx, signals, load)
	url := localURL(co.public)

	const blog = "apps: [{name: blog, key: blog-web-1234, origins: [https://shop.example]}]\n"
	write(blog + "nonsense: true\n")
	signals <- syscall.SIGHUP
	log.waitFor(t, "keeping the old configuration")
	if old, fresh := post(t, url, "shop-web-4f7c2a"), post(t, url, "blog-web-1234"); old != http.StatusBadRequest || fresh != http.StatusUnauthorized {
		t.Errorf("after an invalid file: the old app gets %d, the new one %d", old, fresh)
	}

	write(blog + "listen: \":1\"\n")
	signals <- syscall.SIGHUP
	log.waitFor(t, "need a restart")
	if old, fresh := post(t, url, "shop-web-4f7c2a"), post(t, url, "blog-web-1234"); old != http.StatusUnauthorized || fresh != http.StatusBadRequest {
		t.Errorf("after a valid file: the old app gets %d, the new one %d", old, fresh)
	}
}

func TestNeedRestart_NamesWhatIsNotReadAgain(t *testing.T) {
	old, fresh := config.Default(), config.Default()
	fresh.Apps = []config.App{{Name: "blog"}}
	fresh.AgentToken = "0123456789abcdef"
	if keys := needRestart(old, fresh); len(keys) > 0 {
		t.Errorf("%v need a restart", keys)
	}
	fresh.Listen, fresh.Queue.MaxSize = ":1", 1
	if keys := needRestart(old, fresh); !slices.Equal(keys, []string{"listen", "queue"}) {
		t.Errorf("keys %v", keys)
	}
}

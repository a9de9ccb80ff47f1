package sourcemap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

// generous are limits that no test reaches by chance.
func generous() Limits { return Limits{MaxMapBytes: 16 << 20, MaxBytes: 64 << 20} }

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func openStore(t testing.TB, dir string, limits Limits, now func() time.Time) *Store {
	t.Helper()
	s, err := Open(dir, limits, now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t testing.TB, s *Store, release, file, text string) Info {
	t.Helper()
	info, err := s.Put(t.Context(), "shop", release, file, strings.NewReader(text))
	if err != nil {
		t.Fatalf("put %s of %s: %v", file, release, err)
	}
	return info
}

// oneSource is a map whose script comes from that source as it is.
func oneSource(source string) string {
	return fmt.Sprintf(`{"version":3,"sources":[%q],"mappings":"AAAA"}`, source)
}

// wants fails unless a script's first character comes from that source; "" wants
// that nothing is known.
func wants(t testing.TB, s *Store, release, file, source string) {
	t.Helper()
	position, ok := s.Resolve("shop", release, file, 1, 1)
	if position.Source != source || ok != (source != "") {
		t.Errorf("%s of %s comes from %q (%t), want %q", file, release, position.Source, ok, source)
	}
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestResolve_MatchesScriptsByPath(t *testing.T) {
	s := openStore(t, t.TempDir(), generous(), time.Now)
	put(t, s, "1", "/assets/app.3f2a.js", oneSource("app.ts"))
	put(t, s, "1", "https://shop.example/assets/caf%C3%A9.js?v=1", oneSource("cafe.ts"))
	put(t, s, "1", "assets/plain.js", oneSource("plain.ts"))
	for url, source := range map[string]string{
		"https://shop.example/assets/app.3f2a.js":                  "app.ts",
		"https://cdn.example:8443/assets/app.3f2a.js?v=2#x":        "app.ts",
		"/assets/app.3f2a.js":                                      "app.ts",
		"https://shop.example/assets/café.js":                      "cafe.ts",
		"https://shop.example/assets/caf%C3%A9.js":                 "cafe.ts",
		"https://shop.example/assets/plain.js":                     "plain.ts",
		"https://shop.example/assets/app.77aa.js":                  "",
		"https://shop.example/other/assets/app.3f2a.js":            "",
		"https://shop.example":                                     "",
		"https://shop.example/?/assets/app.3f2a.js":                "",
		"https://shop.example/assets/%zz.js":                       "",
		"<anonymous>":                                              "",
		"":                                                         "",
		"chrome-extension://abcdefghijklmnop/assets/app.3f2a.js/x": "",
	} {
		wants(t, s, "1", url, source)
	}
	wants(t, s, "2", "/assets/app.3f2a.js", "")
	if _, ok := s.Resolve("other", "1", "/assets/app.3f2a.js", 1, 1); ok {
		t.Error("another app's map was used")
	}
	for _, place := range [][2]int{{0, 1}, {1, 0}, {-1, -1}, {1 << 40, 1}, {1, 1 << 40}, {2, 1}} {
		if p, ok := s.Resolve("shop", "1", "/assets/plain.js", place[0], place[1]); ok {
			t.Errorf("%v comes from %v", place, p)
		}
	}
}

func TestPut_IsThereAfterARestartAndReplacesWhatWasThere(t *testing.T) {
	dir, now := t.TempDir(), newClock()
	first := openStore(t, dir, generous(), now.Now)
	put(t, first, "1", "/a.js", oneSource("old.ts"))
	wants(t, first, "1", "/a.js", "old.ts") // is remembered, and must not be
	want := put(t, first, "1", "/a.js", oneSource("new.ts"))
	wants(t, first, "1", "/a.js", "new.ts")

	again := openStore(t, dir, generous(), now.Now)
	wants(t, again, "1", "/a.js", "new.ts")
	if got := again.List("shop"); len(got) != 1 || got[0] != want || want.Sources != 1 || want.Segments != 1 || want.SizeBytes == 0 || !want.Uploaded.Equal(now.Now()) {
		t.Errorf("after the restart there are %+v, want %+v", got, want)
	}
	if again.sizeBytes != want.SizeBytes || first.sizeBytes != want.SizeBytes {
		t.Errorf("counted %d and %d bytes, want %d", first.sizeBytes, again.sizeBytes, want.SizeBytes)
	}
}

// A crash leaves an unfinished file, or the old index and not the new one.
func TestOpen_AfterACrashBetweenWritingAndRenaming(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, generous(), time.Now)
	put(t, s, "1", "/a.js", oneSource("old.ts"))

	cut, err := os.CreateTemp(dir, unfinishedPrefix+"*")
	if err != nil {
		t.Fatal(err)
	}
	info := Info{App: "shop", Release: "1", File: "/a.js", Uploaded: time.Now()}
	if err := s.build(strings.NewReader(oneSource("new.ts")), cut, &info); err != nil {
		t.Fatal(err)
	}
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	if len(files(t, dir)) != 2 {
		t.Fatalf("the directory has %v", files(t, dir))
	}
	wants(t, openStore(t, dir, generous(), time.Now), "1", "/a.js", "old.ts")
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("what the crash left is still there: %v", left)
	}
}

func TestOpen_RemovesDamagedIndexesAndLeavesWhatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, generous(), time.Now)
	put(t, s, "1", "/a.js", oneSource("a.ts"))
	put(t, s, "1", "/b.js", oneSource("b.ts"))
	put(t, s, "1", "/c.js", oneSource("c.ts"))
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name := func(file string) string { return fileName(scriptKey{"shop", "1", file}) }
	whole, err := os.ReadFile(filepath.Join(dir, name("/a.js")))
	if err != nil {
		t.Fatal(err)
	}
	write(name("/a.js"), whole[:len(whole)-1])
	write(name("/d.js"), whole) // what it describes has another name
	later, err := os.ReadFile(filepath.Join(dir, name("/c.js")))
	if err != nil {
		t.Fatal(err)
	}
	later[len(later)-1] = formatVersion + 1
	write(name("/c.js"), later)
	write("README", []byte("people put things everywhere"))

	again := openStore(t, dir, generous(), time.Now)
	wants(t, again, "1", "/a.js", "")
	wants(t, again, "1", "/b.js", "b.ts")
	wants(t, again, "1", "/c.js", "")
	if left := strings.Join(files(t, dir), " "); len(files(t, dir)) != 3 || !strings.Contains(left, name("/b.js")) || !strings.Contains(left, name("/c.js")) || !strings.Contains(left, "README") {
		t.Errorf("left are %s", left)
	}
}

func TestPut_RefusesWithoutLeavingAnything(t *testing.T) {
	long := strings.Repeat("x", 3000)
	cut := errors.New("the line was cut")
	for name, c := range map[string]struct {
		release, file string
		r             io.Reader
		want          string
	}{
		"no release":      {"", "/a.js", strings.NewReader(oneSource("a")), "release must have"},
		"long release":    {long, "/a.js", strings.NewReader(oneSource("a")), "release must have"},
		"control":         {"1\n2", "/a.js", strings.NewReader(oneSource("a")), "release must have"},
		"no file":         {"1", "", strings.NewReader(oneSource("a")), "file must be"},
		"directory":       {"1", "/..", strings.NewReader(oneSource("a")), "file must be"},
		"long file":       {"1", long, strings.NewReader(oneSource("a")), "file must be"},
		"not a map":       {"1", "/a.js", strings.NewReader("<!doctype html>"), "not a source map"},
		"ends early":      {"1", "/a.js", strings.NewReader(`{"version":3`), "ends early"},
		"cut off":         {"1", "/a.js", io.MultiReader(strings.NewReader(`{"version":3`), iotest.ErrReader(cut)), cut.Error()},
		"too large":       {"1", "/a.js", strings.NewReader(`{"x":"` + strings.Repeat("x", 2000) + `"}`), ErrTooLarge.Error()},
		"too large index": {"1", "/a.js", strings.NewReader(`{"names":["` + strings.Repeat(`x","`, 50) + `"]}`), ErrFull.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, dir, Limits{MaxMapBytes: 1000, MaxBytes: 40}, time.Now)
			info, err := s.Put(t.Context(), "shop", c.release, c.file, c.r)
			if err == nil || !strings.Contains(err.Error(), c.want) || info != (Info{}) {
				t.Errorf("%+v, %v; want %q", info, err, c.want)
			}
			if left := files(t, dir); len(left) != 0 {
				t.Errorf("left are %v", left)
			}
		})
	}
}

func TestPut_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := openStore(t, t.TempDir(), generous(), time.Now)
	if _, err := s.Put(ctx, "shop", "1", "/a.js", strings.NewReader(oneSource("a"))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestPut_NamesOnDiskAreNotTheClients(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "maps")
	s := openStore(t, dir, generous(), time.Now)
	put(t, s, "../../release", "/../../../etc/passwd.js", oneSource("a.ts"))
	wants(t, s, "../../release", "https://shop.example/etc/passwd.js", "a.ts")
	if names := files(t, filepath.Dir(dir)); len(names) != 1 {
		t.Errorf("beside the directory there is %v", names)
	}
}

func TestPut_TooManyAtOnceAreToldToComeBack(t *testing.T) {
	s := openStore(t, t.TempDir(), generous(), time.Now)
	var slow sync.WaitGroup
	var ends []*io.PipeWriter
	for i := range maxPuts {
		r, w := io.Pipe()
		slow.Go(func() {
			if _, err := s.Put(t.Context(), "shop", "1", fmt.Sprintf("/%d.js", i), r); err != nil {
				t.Error(err)
			}
		})
		if _, err := io.WriteString(w, oneSource("a.ts")); err != nil { // is being read
			t.Fatal(err)
		}
		ends = append(ends, w)
	}
	if _, err := s.Put(t.Context(), "shop", "1", "/a.js", strings.NewReader(oneSource("a"))); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	for _, w := range ends {
		_ = w.Close()
	}
	slow.Wait()
	put(t, s, "1", "/a.js", oneSource("a.ts"))
}

func TestStore_OldestReleaseLeavesFirst(t *testing.T) {
	now := newClock()
	dir := t.TempDir()
	probe := put(t, openStore(t, t.TempDir(), generous(), now.Now), "1", "/a.js", oneSource("a.ts")).SizeBytes
	s := openStore(t, dir, Limits{MaxMapBytes: 1000, MaxBytes: 4 * probe}, now.Now)
	for _, step := range []string{"1 /a.js", "2 /a.js", "1 /b.js", "3 /a.js"} { // 1 is newer than 2
		release, file, _ := strings.Cut(step, " ")
		put(t, s, release, file, oneSource("a.ts"))
		now.pass(time.Hour)
	}
	put(t, s, "4", "/a.js", oneSource("a.ts"))
	has := func(want map[string]string) {
		t.Helper()
		for place, source := range want {
			release, file, _ := strings.Cut(place, " ")
			wants(t, s, release, file, source)
		}
	}
	has(map[string]string{"1 /a.js": "a.ts", "1 /b.js": "a.ts", "2 /a.js": "", "3 /a.js": "a.ts", "4 /a.js": "a.ts"})

	// A release never makes room for itself.
	for i, want := range []error{nil, nil, nil, ErrFull} {
		_, err := s.Put(t.Context(), "shop", "4", fmt.Sprintf("/%d.js", i), strings.NewReader(oneSource("a.ts")))
		if !errors.Is(err, want) {
			t.Errorf("put %d: %v, want %v", i, err, want)
		}
	}
	has(map[string]string{"4 /a.js": "a.ts", "4 /2.js": "a.ts", "4 /3.js": "", "3 /a.js": "", "1 /a.js": ""})
	// Replacing takes no more room than there was.
	put(t, s, "4", "/a.js", oneSource("b.ts"))
	has(map[string]string{"4 /a.js": "b.ts", "4 /2.js": "a.ts"})
	if s.sizeBytes != 4*probe || len(files(t, dir)) != 4 {
		t.Errorf("%d bytes in %v", s.sizeBytes, files(t, dir))
	}
}

func TestExpire_RemovesReleasesByAgeAndLackOfRoom(t *testing.T) {
	now, dir := newClock(), t.TempDir()
	limits := generous()
	limits.MaxAge = 10 * 24 * time.Hour
	s := openStore(t, dir, limits, now.Now)
	put(t, s, "1", "/a.js", oneSource("a.ts"))
	put(t, s, "2", "/a.js", oneSource("a.ts"))
	now.pass(9 * 24 * time.Hour)
	put(t, s, "2", "/b.js", oneSource("b.ts"))
	now.pass(24 * time.Hour)
	expire := func(s *Store, want ...string) {
		t.Helper()
		if err := s.Expire(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, info := range s.List("shop") {
			got = append(got, info.Release+" "+info.File)
		}
		if strings.Join(got, ",") != strings.Join(want, ",") || len(files(t, dir)) != len(want) {
			t.Errorf("there are %v in %v, want %v", got, files(t, dir), want)
		}
	}
	expire(s, "1 /a.js", "2 /a.js", "2 /b.js") // exactly as old as it may be
	now.pass(time.Second)
	expire(s, "2 /a.js", "2 /b.js") // a release stays whole
	wants(t, s, "1", "/a.js", "")
	put(t, s, "3", "/a.js", oneSource("a.ts"))
	limits.MaxBytes = s.List("shop")[0].SizeBytes // less than before the restart
	expire(openStore(t, dir, limits, now.Now), "3 /a.js")
	forEver := openStore(t, dir, generous(), now.Now)
	now.pass(100 * 365 * 24 * time.Hour)
	expire(forEver, "3 /a.js")
}

func TestDelete_RemovesOneRelease(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, generous(), time.Now)
	for _, release := range []string{"1", "2"} {
		put(t, s, release, "/a.js", oneSource("a.ts"))
		put(t, s, release, "/b.js", oneSource("b.ts"))
	}
	for _, want := range []int{2, 0} {
		if n, err := s.Delete("shop", "1"); n != want || err != nil {
			t.Errorf("deleted %d, %v; want %d", n, err, want)
		}
	}
	wants(t, s, "1", "/a.js", "")
	wants(t, s, "2", "/a.js", "a.ts")
	if left := files(t, dir); len(left) != 2 {
		t.Errorf("left are %v", left)
	}
}

// A disk that loses a file or a bit costs the answers from it, and a line in the
// log.
func TestResolve_SaysOnceWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	var logged strings.Builder
	s, err := Open(dir, generous(), time.Now, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "1", "/a.js", oneSource("a.ts"))
	name := filepath.Join(dir, fileName(scriptKey{"shop", "1", "/a.js"}))
	if err := os.Truncate(name, 10); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		wants(t, s, "1", "/a.js", "")
	}
	if n := strings.Count(logged.String(), "cannot read the index"); n != 1 {
		t.Errorf("said it %d times:\n%s", n, logged.String())
	}
	put(t, s, "1", "/a.js", oneSource("b.ts"))
	wants(t, s, "1", "/a.js", "b.ts")
}

// Many readers ask for more scripts than are kept open, while scripts come, are
// replaced and go.
func TestStore_IsSafeForConcurrentUse(t *testing.T) {
	s := openStore(t, t.TempDir(), generous(), time.Now)
	const scripts = 2 * maxOpened
	file := func(i int) string { return fmt.Sprintf("/%d.js", i%scripts) }
	for i := range scripts {
		put(t, s, "stays", file(i), oneSource(file(i)))
	}
	var all sync.WaitGroup
	for reader := range 4 {
		all.Go(func() {
			for i := range 2 * scripts {
				i += reader * 7
				wants(t, s, "stays", file(i), file(i))
				if p, ok := s.Resolve("shop", "changes", "/a.js", 1, 1+i); ok && p.Source != "old.ts" && p.Source != "new.ts" {
					t.Errorf("comes from %q", p.Source)
				}
			}
		})
	}
	all.Go(func() {
		for i := range 20 {
			put(t, s, "changes", "/a.js", oneSource([]string{"old.ts", "new.ts"}[i%2]))
			if i%5 == 4 {
				if _, err := s.Delete("shop", "changes"); err != nil {
					t.Error(err)
				}
			}
		}
	})
	all.Go(func() {
		for range 20 {
			if err := s.Expire(); err != nil {
				t.Error(err)
			}
			s.List("shop")
		}
	})
	all.Wait()
	if n := s.opened.order.Len(); n > maxOpened {
		t.Errorf("%d files are open, at most %d", n, maxOpened)
	}
}

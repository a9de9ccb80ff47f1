package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
)

// noon is when the tests happen.
var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// keeping is a store in one of the places, with a look at what is there.
type keeping struct {
	name  string
	store func(Options) *Store
	// names are the files that there are, below folders, in order.
	names func() []string
	read  func(name string) string
	root  string // of addresses
}

func places(t *testing.T) []keeping {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deep", "evidence")
	fake := newFakeS3(t)
	return []keeping{
		{
			name: "directory", root: dir,
			store: func(o Options) *Store { return must(t)(NewDirectory(dir, o)) },
			names: func() []string {
				var names []string
				_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
					if err == nil && !entry.IsDir() {
						names = append(names, strings.TrimPrefix(path, dir+"/"))
					}
					return err
				})
				return names
			},
			read: func(name string) string {
				data, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Error(err)
				}
				return string(data)
			},
		},
		{
			name: "bucket", root: "s3://runs/a/b",
			store: func(o Options) *Store {
				return must(t)(NewBucket(BucketOptions{
					Endpoint: fake.URL, Bucket: "runs", Prefix: "/a/b/", AccessKey: "key", SecretKey: "hush", PathStyle: true,
				}, o))
			},
			names: func() []string {
				fake.mu.Lock()
				defer fake.mu.Unlock()
				var names []string
				for _, key := range slices.Sorted(maps.Keys(fake.objects)) {
					names = append(names, strings.TrimPrefix(key, "runs/a/b/"))
				}
				return names
			},
			read: func(name string) string {
				fake.mu.Lock()
				defer fake.mu.Unlock()
				return string(fake.objects["runs/a/b/"+name])
			},
		},
	}
}

func must(t *testing.T) func(*Store, error) *Store {
	return func(store *Store, err error) *Store {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
}

// run is evidence of a run that began some time before noon.
func run(id string, outcome beacon.RunOutcome, ago time.Duration, bytes int) synthetic.Evidence {
	return synthetic.Evidence{
		RunID: id, Journey: "Buy <a> mug", Location: "here", Outcome: outcome, Started: noon.Add(-ago),
		Artifacts: []synthetic.Artifact{
			{Name: "step-03.jpg", ContentType: "image/jpeg", Step: 2, Data: []byte(strings.Repeat("x", bytes))},
			{Name: "run.har", ContentType: "application/json", Step: -1, Data: []byte("{}")},
		},
	}
}

func keep(t *testing.T, store *Store, evidence synthetic.Evidence) string {
	t.Helper()
	address, err := store.Keep(t.Context(), evidence)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestKeep(t *testing.T) {
	for _, place := range places(t) {
		t.Run(place.name, func(t *testing.T) {
			store := place.store(Options{Now: func() time.Time { return noon }})
			address := keep(t, store, run("0123456789abcdef", beacon.RunFailed, time.Hour, 3))
			folder := "2026-11-29/110000-failed-0123456789abcdef"
			if want := place.root + "/" + folder + "/index.html"; address != want {
				t.Errorf("at %s, want %s", address, want)
			}
			want := []string{folder + "/index.html", folder + "/run.har", folder + "/run.json", folder + "/step-03.jpg"}
			if got := place.names(); !slices.Equal(got, want) {
				t.Errorf("got %v", got)
			}
			var m manifest
			if err := json.Unmarshal([]byte(place.read(folder+"/run.json")), &m); err != nil || m.Journey != "Buy <a> mug" || len(m.Artifacts) != 2 || m.Artifacts[0].Step != 2 {
				t.Errorf("got %+v, %v", m, err)
			}
			if page := place.read(folder + "/index.html"); !strings.Contains(page, "Buy &lt;a&gt; mug: failed") || !strings.Contains(page, `<img src="step-03.jpg"`) || !strings.Contains(page, `<a href="run.har">`) {
				t.Errorf("got %s", page)
			}
			if place.read(folder+"/step-03.jpg") != "xxx" {
				t.Errorf("got %q", place.read(folder+"/step-03.jpg"))
			}
			public := place.store(Options{PublicURL: "https://evidence.example/runs/"})
			if got := keep(t, public, run("1", beacon.RunPassed, 0, 3)); got != "https://evidence.example/runs/2026-11-29/120000-passed-1/index.html" {
				t.Errorf("at %s", got)
			}
		})
	}
}

// What a name says is a name, and no way out of the folder.
func TestKeep_SafeNames(t *testing.T) {
	for _, place := range places(t) {
		t.Run(place.name, func(t *testing.T) {
			evidence := run("../../x y", "../f", 0, 1)
			evidence.Artifacts[0].Name = "../../../etc/passwd"
			evidence.Artifacts[1].Name = "." + strings.Repeat("é", 200)
			keep(t, place.store(Options{}), evidence)
			for _, name := range place.names() {
				if !strings.HasPrefix(name, "2026-11-29/120000-f-x-y/") || strings.Count(name, "/") != 2 || len(name) > 150 {
					t.Errorf("kept as %q", name)
				}
			}
			for _, name := range []string{"run.json", "index.html", "run.har"} {
				evidence := run("2", beacon.RunFailed, 0, 1)
				evidence.Artifacts[0].Name = name
				if _, err := place.store(Options{}).Keep(t.Context(), evidence); err == nil {
					t.Errorf("two files called %s are kept", name)
				}
			}
		})
	}
}

func TestFileName_IsBounded(t *testing.T) {
	if name := FileName(strings.Repeat("a", 300)); len(name) != 80 {
		t.Errorf("%d bytes", len(name))
	}
}

func TestSweep(t *testing.T) {
	const day = 24 * time.Hour
	for _, place := range places(t) {
		t.Run(place.name, func(t *testing.T) {
			now := noon
			store := place.store(Options{Now: func() time.Time { return now }, MaxRuns: 5})
			for _, evidence := range []synthetic.Evidence{
				run("a1", beacon.RunPassed, day+time.Minute, 10),
				run("a2", beacon.RunPassed, day-time.Minute, 10),
				run("a3", beacon.RunFailed, 31*day, 10),
				run("a4", beacon.RunFailed, 29*day, 10),
				run("a5", beacon.RunAgentError, 2*day, 10),
				run("a6", beacon.RunFailed, time.Minute, 10),
				run("a7", beacon.RunFailed, time.Second, 10),
			} {
				keep(t, store, evidence)
			}
			sweep := func(want int, left ...string) {
				t.Helper()
				removed, err := store.Sweep(t.Context())
				if err != nil || removed != want {
					t.Errorf("removed %d, %v, want %d", removed, err, want)
				}
				names := strings.Join(place.names(), " ")
				for _, id := range []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7"} {
					if got := strings.Contains(names, "-"+id+"/"); got != slices.Contains(left, id) {
						t.Errorf("%s is there: %t", id, got)
					}
				}
			}
			sweep(2, "a2", "a4", "a5", "a6", "a7")
			sweep(0, "a2", "a4", "a5", "a6", "a7")
			store.options.MaxRuns = 3
			sweep(2, "a2", "a6", "a7")
			store.options.MaxBytes = 3000
			sweep(1, "a6", "a7")
			now = now.Add(31 * day)
			sweep(2)
			if left := place.names(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// What is not ours stays, and what a process left that died goes.
func TestDirectory_Others(t *testing.T) {
	dir := t.TempDir()
	store := must(t)(NewDirectory(dir, Options{Now: func() time.Time { return noon }}))
	keep(t, store, run("1", beacon.RunFailed, 90*24*time.Hour, 1))
	for _, name := range []string{"notes/2020/a", "2020-01-01/mine/a", ".half-old/a", ".half-new/a"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(os.Chtimes(filepath.Join(dir, ".half-old"), noon, noon.Add(-2*time.Hour)), os.Chtimes(filepath.Join(dir, ".half-new"), noon, noon))
	if err != nil {
		t.Fatal(err)
	}
	if removed, err := store.Sweep(t.Context()); removed != 1 || err != nil {
		t.Errorf("removed %d, %v", removed, err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".half-*"))
	if got := fmt.Sprint(len(left), len(hidden)); got != "3 1" {
		t.Errorf("left %v and %v", left, hidden)
	}
}

func TestDirectory_IsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "evidence")
	keep(t, must(t)(NewDirectory(dir, Options{})), run("1", beacon.RunFailed, 0, 1))
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A run that cannot be stored in full leaves nothing half done.
func TestDirectory_Fails(t *testing.T) {
	dir := t.TempDir()
	store := must(t)(NewDirectory(dir, Options{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Keep(ctx, run("1", beacon.RunFailed, 0, 1)); err == nil {
		t.Error("kept after its time")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if _, err := NewDirectory(filepath.Join("/dev/null", "x"), Options{}); err == nil {
		t.Error("a file is taken for a directory")
	}
}

func TestBucket_Signs(t *testing.T) {
	fake := newFakeS3(t)
	store := must(t)(NewBucket(BucketOptions{Endpoint: fake.URL, Bucket: "runs", Region: "eu-central-1", AccessKey: "key", SecretKey: "hush", PathStyle: true}, Options{}))
	keep(t, store, run("1", beacon.RunFailed, 0, 1))
	if !strings.HasPrefix(fake.authorization, "AWS4-HMAC-SHA256 Credential=key/") || !strings.Contains(fake.authorization, "/eu-central-1/s3/aws4_request") ||
		strings.Contains(fake.authorization, "hush") {
		t.Errorf("signed %q", fake.authorization)
	}
	if got := fake.types["runs/2026-11-29/120000-failed-1/step-03.jpg"]; got != "image/jpeg" {
		t.Errorf("stored as %q", got)
	}
}

func TestBucket_Fails(t *testing.T) {
	fake := newFakeS3(t)
	fake.refuse = true
	store := must(t)(NewBucket(BucketOptions{Endpoint: fake.URL, Bucket: "runs", AccessKey: "key", SecretKey: "hush", PathStyle: true}, Options{}))
	if _, err := store.Keep(t.Context(), run("1", beacon.RunFailed, 0, 1)); err == nil || !strings.Contains(err.Error(), "keep run 1") || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
	if _, err := store.Sweep(t.Context()); err == nil || !strings.Contains(err.Error(), "list evidence") {
		t.Errorf("got %v", err)
	}
	for _, endpoint := range []string{"", "s3.example", "ftp://s3.example"} {
		if _, err := NewBucket(BucketOptions{Endpoint: endpoint, Bucket: "runs"}, Options{}); err == nil {
			t.Errorf("%q is taken for an endpoint", endpoint)
		}
	}
}

package evidence

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
)

// Options says how long evidence is kept and how it is found.
type Options struct {
	// PublicURL is where people see what is stored, such as a file server on the
	// directory. Empty gives the address of the store itself.
	PublicURL string
	// Passed and Failed are how long evidence is kept of runs that passed, and of
	// all others; defaults 24 h and 30 days.
	Passed, Failed time.Duration
	// MaxRuns and MaxBytes bound what a sweep leaves, the oldest go first; defaults
	// 20 000 runs and 10 GiB.
	MaxRuns  int
	MaxBytes int64
	// Now is the clock; default time.Now.
	Now func() time.Time
}

var _ synthetic.Keeper = (*Store)(nil)

// Store keeps evidence. It is safe for concurrent use.
type Store struct {
	place   place
	options Options
	sweep   sync.Mutex
}

// place is where files lie, in folders of one run each, such as
// 2026-11-29/143005-failed-0123456789abcdef.
type place interface {
	// put stores the files of a run. Of one that could not be stored in full nothing
	// is listed, or all that there is.
	put(ctx context.Context, folder string, files []file) error
	// list returns all folders of runs.
	list(ctx context.Context) ([]stored, error)
	remove(ctx context.Context, run stored) error
	// address is that of a folder, without a slash at its end.
	address(folder string) string
	// tidy removes what was left by a process that died.
	tidy(ctx context.Context, now time.Time) error
}

type file struct {
	name, contentType string
	data              []byte
}

// stored is a folder with the sizes of its files.
type stored struct {
	folder string
	files  []string
	bytes  int64
	// begun and passed are what the folder's name tells.
	begun  time.Time
	passed bool
}

func newStore(place place, options Options) *Store {
	options.Passed = cmp.Or(options.Passed, 24*time.Hour)
	options.Failed = cmp.Or(options.Failed, 30*24*time.Hour)
	options.MaxRuns = cmp.Or(options.MaxRuns, 20_000)
	options.MaxBytes = cmp.Or(options.MaxBytes, 10<<30)
	options.PublicURL = strings.TrimSuffix(options.PublicURL, "/")
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Store{place: place, options: options}
}

// manifest is run.json.
type manifest struct {
	RunID     string            `json:"run_id"`
	Journey   string            `json:"journey"`
	Location  string            `json:"location"`
	Outcome   beacon.RunOutcome `json:"outcome"`
	Started   time.Time         `json:"started"`
	Artifacts []manifestEntry   `json:"artifacts"`
}

type manifestEntry struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Step        int    `json:"step"` // -1 is the whole run
	Bytes       int    `json:"bytes"`
}

// The files that a store adds to those of a run.
const (
	manifestName = "run.json"
	indexName    = "index.html"
)

// Keep implements [synthetic.Keeper]. The address is that of a page that shows the
// evidence.
func (s *Store) Keep(ctx context.Context, evidence synthetic.Evidence) (string, error) {
	folder := folderOf(evidence)
	m := manifest{
		RunID: evidence.RunID, Journey: evidence.Journey, Location: evidence.Location,
		Outcome: evidence.Outcome, Started: evidence.Started.UTC(), Artifacts: []manifestEntry{},
	}
	files := make([]file, 0, len(evidence.Artifacts)+2)
	for _, artifact := range evidence.Artifacts {
		name := FileName(artifact.Name)
		if name == manifestName || name == indexName || slices.ContainsFunc(files, func(f file) bool { return f.name == name }) {
			return "", fmt.Errorf("two artifacts of run %s are called %s", evidence.RunID, name)
		}
		files = append(files, file{name, artifact.ContentType, artifact.Data})
		m.Artifacts = append(m.Artifacts, manifestEntry{name, artifact.ContentType, artifact.Step, len(artifact.Data)})
	}
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return "", fmt.Errorf("describe run %s: %w", evidence.RunID, err)
	}
	var page bytes.Buffer
	if err := index.Execute(&page, m); err != nil {
		return "", fmt.Errorf("show run %s: %w", evidence.RunID, err)
	}
	files = append(files, file{manifestName, "application/json", data}, file{indexName, "text/html; charset=utf-8", page.Bytes()})
	if err := s.place.put(ctx, folder, files); err != nil {
		return "", fmt.Errorf("keep run %s: %w", evidence.RunID, err)
	}
	address := s.place.address(folder)
	if s.options.PublicURL != "" {
		address = s.options.PublicURL + "/" + folder
	}
	return address + "/" + indexName, nil
}

// Sweep removes what is past its time, and the oldest of what is too much. It goes
// on when something cannot be removed, and returns how many runs it removed. Its
// owner calls it at the start and now and then.
func (s *Store) Sweep(ctx context.Context) (removed int, err error) {
	s.sweep.Lock()
	defer s.sweep.Unlock()
	now := s.options.Now()
	errs := []error{s.place.tidy(ctx, now)}
	all, err := s.place.list(ctx)
	if err != nil {
		return 0, errors.Join(append(errs, fmt.Errorf("list evidence: %w", err))...)
	}
	var runs []stored
	for _, run := range all {
		if run.parse() { // others are not ours
			runs = append(runs, run)
		}
	}
	slices.SortFunc(runs, func(a, b stored) int { return cmp.Or(a.begun.Compare(b.begun), strings.Compare(a.folder, b.folder)) })
	expired := func(run stored) bool {
		age := s.options.Failed
		if run.passed {
			age = s.options.Passed
		}
		return now.Sub(run.begun) > age
	}
	count, bytes := len(runs), int64(0)
	for _, run := range runs {
		bytes += run.bytes
	}
	tooMuch := func(stored) bool { return count > s.options.MaxRuns || bytes > s.options.MaxBytes }
	// Those past their time go first: they may make room for older ones.
	for _, due := range []func(stored) bool{expired, tooMuch} {
		var left []stored
		for _, run := range runs {
			if ctx.Err() != nil || !due(run) {
				left = append(left, run)
				continue
			}
			if err := s.place.remove(ctx, run); err != nil {
				errs = append(errs, fmt.Errorf("remove evidence %s: %w", run.folder, err))
				continue
			}
			removed, count, bytes = removed+1, count-1, bytes-run.bytes
		}
		runs = left
	}
	return removed, errors.Join(append(errs, ctx.Err())...)
}

// folderOf names the folder of a run so that its name tells when it ends.
func folderOf(evidence synthetic.Evidence) string {
	return evidence.Started.UTC().Format(folderTime) + "-" + FileName(string(evidence.Outcome)) + "-" + FileName(evidence.RunID)
}

// folderTime is how a folder's name begins: a day, a slash, and a time of it.
const folderTime = "2006-01-02/150405"

// parse reads what the folder's name tells. It is false for what is no folder of a
// run.
func (s *stored) parse() bool {
	if len(s.folder) < len(folderTime)+1 {
		return false
	}
	begun, err := time.Parse(folderTime, s.folder[:len(folderTime)])
	outcome, _, ok := strings.Cut(strings.TrimPrefix(s.folder[len(folderTime):], "-"), "-")
	s.begun, s.passed = begun, outcome == string(beacon.RunPassed)
	return err == nil && ok && s.folder[len(folderTime)] == '-'
}

// FileName makes a name that any file system takes out of any text: at most 80 bytes,
// letters, digits, and dots, dashes and underscores within.
func FileName(text string) string {
	const maxBytes = 80
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		default:
			return '-'
		}
	}, text)
	return cmp.Or(strings.Trim(name[:min(len(name), maxBytes)], ".-"), "unnamed")
}

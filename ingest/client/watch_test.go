package client

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWatch(t *testing.T) {
	for name, c := range map[string]struct {
		every time.Duration // between calls
		views int           // in each
		calls int
		want  int // the call at which it is a bot, from 1; 0 for never
	}{
		"a page every ten seconds for a day": {10 * time.Second, 1, 8640, 0},
		"a page a second for an hour":        {time.Second, 1, 3600, 0},
		"a hundred tabs at once":             {0, 1, 100, 0},
		"as many at once as are in hand":     {0, 1, spareViews, 0},
		"one more":                           {0, 1, spareViews + 1, spareViews + 1},
		"all of them in one report":          {0, 1 << 40, 1, 1},
		"two pages a second":                 {time.Second / 2, 1, 1000, 2 * spareViews},
		"ten pages a second":                 {time.Second / 10, 1, 1000, 134},
		"a hundred tabs, again and again":    {time.Minute, 100, 10, 2},
		"a hundred tabs every two minutes":   {2 * time.Minute, 100, 10, 0},
		"reports without views":              {0, 0, 1000, 0},
		"a negative number of views":         {0, -1, 1000, 0},
	} {
		w, got := NewWatch(10), 0
		for call := 1; call <= c.calls && got == 0; call++ {
			switch reason := w.Bot("00000000000000a1", c.views, time.Duration(call-1)*c.every); reason {
			case "":
			case BotRate:
				got = call
			default:
				t.Fatalf("%s: reason %q", name, reason)
			}
		}
		if got != c.want {
			t.Errorf("%s: a bot at call %d, want %d", name, got, c.want)
		}
	}
}

func TestWatch_ABotStaysOneUntilItHasRested(t *testing.T) {
	w := NewWatch(10)
	at := time.Hour
	w.Bot("a", spareViews+1, at)
	for _, after := range []time.Duration{0, time.Minute, 29 * time.Minute, 50 * time.Minute, 79 * time.Minute} {
		if w.Bot("a", 0, at+after) != BotRate || w.Bot("b", 1, at+after) != "" {
			t.Errorf("wrong after %s", after)
		}
	}
	if w.Bot("a", 1, at+79*time.Minute+2*forgetAfter) != "" {
		t.Error("not forgotten after an hour of rest")
	}
}

// Whatever the times and the number of sessions, memory is bounded, nobody is
// remembered for over twice forgetAfter, and no session means nothing.
func TestWatch_ForgetsSessions(t *testing.T) {
	w := NewWatch(100)
	for i := range 1000 {
		w.Bot(fmt.Sprint(i), 1, time.Duration(i)*time.Millisecond)
		if n := len(w.sessions.young) + len(w.sessions.old); n > 100 {
			t.Fatalf("remembers %d sessions", n)
		}
	}
	w.Bot("", 1, time.Second)
	w.Bot("asks only", 0, time.Second)
	w.Bot("late", 1, 3*forgetAfter)
	if n := len(w.sessions.young) + len(w.sessions.old); n != 1 {
		t.Errorf("remembers %d sessions", n)
	}
}

// A session is a bot exactly when, by a count of all its views, there is a stretch
// of time with more of them than one for each second and those in hand.
func TestWatch_AgreesWithTheCountOfAllViews(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWatch(10)
		type call struct {
			at    time.Duration
			views int
		}
		var calls []call
		at, bot := time.Duration(0), false
		for range rapid.IntRange(1, 40).Draw(t, "calls") {
			at += time.Duration(rapid.IntRange(0, 30_000).Draw(t, "pause ms")) * time.Millisecond
			views := rapid.IntRange(0, 50).Draw(t, "views")
			calls = append(calls, call{at, views})
			sum := 0
			for i := len(calls) - 1; i >= 0; i-- {
				sum += calls[i].views
				bot = bot || calls[i].views > 0 && time.Duration(sum)*viewTakes > at-calls[i].at+spareViews*viewTakes
			}
			if got := w.Bot("s", views, at) == BotRate; got != bot {
				t.Fatalf("a bot: %v, want %v after %v", got, bot, calls)
			}
		}
	})
}

func TestWatchAndReader_ServeManyAtOnce(t *testing.T) {
	w, r := NewWatch(50), NewReader(50)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 1000 {
				w.Bot(fmt.Sprint(i%100), 1, time.Duration(i)*time.Second)
				agent := fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; rv:%d.0) Gecko/20100101 Firefox/%d.0", i%200, i%200)
				if got := r.Read(agent, Hints{}); got.BrowserVersion != fmt.Sprint(i%200) {
					t.Errorf("%s: %+v", agent, got)
				}
			}
		})
	}
	group.Wait()
}

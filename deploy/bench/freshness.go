package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"throughline/deploy/generator"
)

// marks measures how long it takes from the answer to a report until a query
// finds its row: every so often one report has a path that tells it.
type marks struct {
	mu       sync.Mutex
	answered map[string]time.Time // by path, of those not found yet
	sent     int
	failed   int
	slowest  time.Duration
}

const (
	markEvery    = 200 * time.Millisecond
	markPatience = 30 * time.Second
	// lookEvery bounds how finely the time is told.
	lookEvery = 100 * time.Millisecond
)

// findMarks finds the marked rows. All but the path is for the engine, which then
// reads a few rows of each part: looking must not slow down what is measured.
func findMarks() string {
	return fmt.Sprintf("SELECT url_path FROM page_views WHERE app = 'shop' AND transaction = 'View product' AND timestamp > now() - 60 "+
		"AND session_id = %d AND startsWith(url_path, '/marker/')", generator.MarkedSession)
}

// watch sends marked reports until sending ends, then looks for the last ones.
func (m *marks) watch(ctx, sending context.Context, l *load, d database) error {
	m.answered = map[string]time.Time{}
	var sender sync.WaitGroup
	sender.Go(func() { m.send(sending, l.senders[connections]) })
	defer sender.Wait()
	for lastAnswer := time.Now(); ; {
		if err := sleep(ctx, lookEvery); err != nil {
			return err
		}
		rows, err := d.rows(ctx, findMarks())
		if err != nil {
			return err
		}
		left := m.found(rows)
		switch {
		case sending.Err() == nil:
			lastAnswer = time.Now()
		case left == 0:
			return nil
		case time.Since(lastAnswer) > markPatience:
			return fmt.Errorf("%d marked reports were answered %s ago and cannot be found", left, markPatience)
		}
	}
}

func (m *marks) send(sending context.Context, s *sender) {
	for i := 0; sleep(sending, markEvery) == nil; i++ {
		path := fmt.Sprintf("/marker/%d", i)
		s.bodies.Mark(path)
		// Locked while it is sent: else its row could be found before its answer.
		m.mu.Lock()
		if err := s.send(); err != nil {
			m.failed++
		} else {
			m.sent++
			m.answered[path] = time.Now()
		}
		m.mu.Unlock()
	}
}

// found takes in the rows of a look and returns how many are missing.
func (m *marks) found(rows [][]string) int {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range rows {
		if answered, open := m.answered[row[0]]; open {
			m.slowest = max(m.slowest, now.Sub(answered))
			delete(m.answered, row[0])
		}
	}
	return len(m.answered)
}

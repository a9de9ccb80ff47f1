package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// poisonRows lets a constraint refuse some rows: all others are stored, those
// are in readable files, and once the constraint is gone they are replayed.
func poisonRows(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	if err := f.database.do(ctx, "ALTER TABLE errors ADD CONSTRAINT drill CHECK message != '"+poison+"'"); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{kind: reportKind{poisonEvery: 20}})
	l.start(ctx)
	defer l.stop()
	rounds := max(f.rounds, 1)
	for range rounds { // halving a batch is cut off, too
		if err := sleep(ctx, between(200*time.Millisecond, time.Second)); err != nil {
			return v, err
		}
		f.collector.kill()
		if err := f.serve(ctx); err != nil {
			return v, err
		}
	}
	refused, err := f.judge(ctx, l)
	if err != nil {
		return v, err
	}
	letters, poisoned, err := f.readDeadLetters()
	if err != nil {
		refused.problem("%v", err)
	}
	if poisoned != l.poisoned {
		refused.problem("%d poisoned rows in dead letters, %d were sent", poisoned, l.poisoned)
	}
	// Where there are very many, rows beside them may be refused with them.
	if refused.lossExpected = letters; refused.failed() {
		return refused, nil
	}
	if err := f.database.do(ctx, "ALTER TABLE errors DROP CONSTRAINT drill"); err != nil {
		return v, err
	}
	v, err = f.compareReplayed(ctx, l)
	v.detail("%d rows dead-lettered and replayed, %d of them poisoned, %d kills meanwhile", letters, poisoned, rounds)
	return v, err
}

func (f *field) deadLetterFiles() []string {
	files, err := filepath.Glob(filepath.Join(f.dataDir(), "dead-letters", "*.jsonl"))
	if err != nil {
		return nil // the pattern is a good one
	}
	return files
}

// readDeadLetters counts the rows in the files, and the poisoned ones among them.
func (f *field) readDeadLetters() (rows, poisoned int, err error) {
	for _, name := range f.deadLetterFiles() {
		file, err := os.Open(name)
		if err != nil {
			return rows, poisoned, fmt.Errorf("read dead letters: %w", err)
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var letter map[string]any
			if err := json.Unmarshal(lines.Bytes(), &letter); err != nil {
				return rows, poisoned, errors.Join(fmt.Errorf("a dead letter cannot be read: %w", err), file.Close())
			}
			if letter["reason"] == "" || letter["values"] == nil {
				return rows, poisoned, errors.Join(fmt.Errorf("a dead letter does not tell row and reason: %s", lines.Text()), file.Close())
			}
			if values, ok := letter["values"].(map[string]any); ok && values["message"] == poison {
				poisoned++
			}
			rows++
		}
		if err := errors.Join(lines.Err(), file.Close()); err != nil {
			return rows, poisoned, fmt.Errorf("read dead letters: %w", err)
		}
	}
	return rows, poisoned, nil
}

// replay runs the command twice: what is stored already must stay once.
func (f *field) replay(ctx context.Context) error {
	for range 2 {
		p, err := f.command("replay")
		if err != nil {
			return err
		}
		if err := p.wait(ctx, stopPatience); err != nil {
			return fmt.Errorf("throughline replay: %w: %s", err, p.lastWords())
		}
	}
	return nil
}

// compareReplayed compares when what was dead-lettered has been replayed.
func (f *field) compareReplayed(ctx context.Context, l *load) (v verdict, err error) {
	if err := f.replay(ctx); err != nil {
		return v, err
	}
	v, err = f.compare(ctx, l)
	if files := f.deadLetterFiles(); len(files) > 0 {
		v.problem("%d dead letters are left after the replay", len(files))
	}
	return v, err
}

// typeChanged makes a column one of a type that the rows do not have, and the
// old one again: an error about the rows for the server, and one of people.
// What it refuses is dead-lettered, and replayed once all is well. The table feeds no
// rollup: to exchange one that does is not one step with the views on it.
func typeChanged(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	const exchange = "EXCHANGE TABLES requests AND requests_changed"
	err = f.database.do(ctx, "CREATE TABLE requests_changed AS requests", "ALTER TABLE requests_changed DROP COLUMN status_code", "ALTER TABLE requests_changed ADD COLUMN status_code Array(UInt16)")
	if err != nil {
		return v, err
	}
	for range max(f.rounds, 1) {
		if err := errors.Join(sleep(ctx, between(200*time.Millisecond, time.Second)), f.database.do(ctx, exchange)); err != nil {
			return v, err
		}
		const mismatch = "code: 53"
		said := strings.Count(f.collector.said(), mismatch)
		err := f.collector.until(ctx, "the server refuses a type", stopPatience, func(context.Context) (bool, error) {
			return strings.Count(f.collector.said(), mismatch) > said, nil
		})
		if err != nil {
			v.problem("%v: %s", err, f.collector.lastWords())
		}
		if err := errors.Join(sleep(ctx, between(200*time.Millisecond, time.Second)), f.database.do(ctx, exchange)); err != nil {
			return v, err
		}
	}
	refused, err := f.judge(ctx, l)
	if err != nil {
		return v, err
	}
	letters, _, err := f.readDeadLetters()
	refused.add(v)
	if refused.lossExpected = letters; err != nil || refused.failed() || letters == 0 {
		refused.problem("%d rows are in dead letters", letters)
		return refused, err
	}
	v, err = f.compareReplayed(ctx, l)
	v.detail("%d times, %d rows dead-lettered and replayed", max(f.rounds, 1), letters)
	return v, err
}

// passwordChanged lets the server refuse the collector's login, as when the
// password was changed there first. Reports must be taken all the while.
func passwordChanged(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	if err := sleep(ctx, time.Second); err != nil {
		return v, err
	}
	f.proxy.set(rule{refusal: loginRefused()})
	if err := f.await(ctx, f.collector, "code: 516"); err != nil {
		v.problem("error 516 did not come: %v", err)
	}
	if err := sleep(ctx, f.outage/2); err != nil {
		return v, err
	}
	if status := f.readiness(ctx); status != http.StatusServiceUnavailable {
		v.problem("/readyz is %d while nobody can log in", status)
	}
	taken := l.snapshot()
	f.proxy.set(rule{})
	if err := errors.Join(f.awaitReady(ctx), f.drainedUnderLoad(ctx, l)); err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if files := f.deadLetterFiles(); len(files) > 0 {
		judged.problem("good rows are in %d dead letters", len(files))
	}
	if t := l.snapshot(); t.busy+t.broken > 0 {
		judged.problem("reports were refused: %d with 503, %d unanswered", t.busy, t.broken)
	}
	judged.detail("%d reports taken by the end of it", taken.reports)
	return judged, err
}

// loginRefused is the exception AUTHENTICATION_FAILED in ClickHouse's native
// protocol. The embedded engine cannot send it: it has no passwords.
func loginRefused() []byte {
	const exception, authenticationFailed = 2, 516
	packet := binary.LittleEndian.AppendUint32([]byte{exception}, authenticationFailed)
	for _, text := range []string{"DB::Exception", "DB::Exception: default: Authentication failed: password is incorrect", ""} {
		packet = append(binary.AppendUvarint(packet, uint64(len(text))), text...)
	}
	return append(packet, 0) // no other exception within
}

// constraintDropped kills the collector while it halves a batch that the database
// refuses, and lets the database take everything from then on.
func constraintDropped(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{kind: reportKind{poisonEvery: 10}})
	if err != nil {
		return v, err
	}
	defer l.stop()
	for range max(f.rounds, 1) {
		if err := f.database.do(ctx, "ALTER TABLE errors ADD CONSTRAINT drill CHECK message != '"+poison+"'"); err != nil {
			return v, err
		}
		// Some pieces of the batch are in, the batch is not dealt with.
		f.killAtAnswer(false)
		if err := f.collector.wait(ctx, stopPatience); err == nil || ctx.Err() != nil {
			return v, errors.Join(errors.New("the collector ended by itself"), ctx.Err())
		}
		f.proxy.set(rule{})
		if err := f.database.do(ctx, "ALTER TABLE errors DROP CONSTRAINT drill"); err != nil {
			return v, err
		}
		if err := f.serve(ctx); err != nil {
			return v, err
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return v, err
		}
	}
	if err := l.finish(ctx); err != nil {
		return v, err
	}
	if err := f.drained(ctx); err != nil {
		return v, err
	}
	if len(f.deadLetterFiles()) > 0 {
		if err := f.replay(ctx); err != nil {
			return v, err
		}
	}
	return f.compare(ctx, l)
}

// condition is a state of the server in which it takes nothing for a time.
type condition struct {
	code        string // what the server says
	begin, stop []string
}

// conditions are those that pass: the rows are good and must wait.
func (f *field) conditions() []condition {
	const hog = "CREATE MATERIALIZED VIEW drill_hog ENGINE = Null AS SELECT length(range(200000000 + length(app))) AS n FROM (SELECT app FROM requests LIMIT 1)"
	return []condition{
		{"60", []string{"RENAME TABLE requests TO requests_away"}, []string{"RENAME TABLE requests_away TO requests"}},
		{"241", []string{hog}, []string{"DROP VIEW drill_hog SYNC"}},
		{
			"252",
			[]string{"SYSTEM STOP MERGES " + f.database.name + ".requests", "ALTER TABLE requests MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1"},
			[]string{"ALTER TABLE requests MODIFY SETTING parts_to_delay_insert = 1000, parts_to_throw_insert = 3000", "SYSTEM START MERGES " + f.database.name + ".requests"},
		},
	}
}

// passingErrors lets the server refuse inserts for reasons that pass. Nothing
// may be dead-lettered, and reports must be taken all the while.
func passingErrors(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	for _, c := range f.conditions() {
		if err := sleep(ctx, time.Second); err != nil {
			return v, err
		}
		if err := f.database.do(ctx, c.begin...); err != nil {
			return v, err
		}
		if err := f.await(ctx, f.collector, "code: "+c.code); err != nil {
			v.problem("error %s did not come: %v", c.code, err)
		}
		if err := sleep(ctx, f.outage/6); err != nil {
			return v, err
		}
		if err := f.database.do(ctx, c.stop...); err != nil {
			return v, err
		}
		if err := f.drainedUnderLoad(ctx, l); err != nil {
			return v, err
		}
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if files := f.deadLetterFiles(); len(files) > 0 {
		judged.problem("good rows are in %d dead letters", len(files))
	}
	if t := l.snapshot(); t.busy+t.broken > 0 {
		judged.problem("reports were refused: %d with 503, %d unanswered", t.busy, t.broken)
	}
	judged.detail("codes 60, 241, 252")
	return judged, err
}

// drainedUnderLoad waits until no more waits than what load always makes wait.
func (f *field) drainedUnderLoad(ctx context.Context, l *load) error {
	return f.collector.until(ctx, "the log is drained", drainPatience, func(ctx context.Context) (bool, error) {
		events, err := f.queued(ctx)
		return err == nil && events < f.steadyQueue(l), nil
	})
}

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// damage harms the log of a stopped collector. It returns how many events it
// destroyed, and whether the collector can know of it.
type damage func(f *field) (events int, visible bool, err error)

// damaged lets reports pile up in the log, stops the collector, harms the log,
// and starts the collector again: everything outside of what was harmed must be
// found once.
func damaged(harm damage) func(context.Context, *field) (verdict, error) {
	return func(ctx context.Context, f *field) (v verdict, err error) {
		l, err := f.fillLog(ctx)
		if err != nil {
			return v, err
		}
		defer l.stop()
		if err := l.finish(ctx); err != nil {
			return v, err
		}
		f.collector.kill()
		lost, visible, err := harm(f)
		if err != nil {
			return v, err
		}
		if err := f.proxy.open(); err != nil {
			return v, err
		}
		if err := f.serve(ctx); err != nil {
			return v, err
		}
		if err := l.send(ctx, 10); err != nil {
			return v, err
		}
		if err := f.drained(ctx); err != nil {
			return v, err
		}
		if v, err = f.compare(ctx, l); err != nil {
			return v, err
		}
		v.lossExpected = lost
		v.detail("%d events destroyed", lost)
		return v, f.checkReported(ctx, &v, visible)
	}
}

// fillLog serves, takes the database away and sends until there are several
// segments.
func (f *field) fillLog(ctx context.Context) (*load, error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{kind: fat()})
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, 300*time.Millisecond); err != nil {
		return l, err
	}
	f.proxy.refuse()
	const segments = 4
	return l, f.collector.until(ctx, "the log has several segments", stopPatience, func(context.Context) (bool, error) {
		files, err := f.segments()
		return len(files) >= segments, err
	})
}

// checkReported looks whether the damage is in the metrics and in the log.
func (f *field) checkReported(ctx context.Context, v *verdict, visible bool) error {
	bytes, err := f.metric(ctx, "throughline_ingest_queue_damaged")
	if err != nil {
		return err
	}
	logged := strings.Contains(f.collector.said(), "skipped_spots=") && !strings.Contains(f.collector.said(), "skipped_spots=0 ")
	if visible && (bytes == 0 || !logged) {
		v.problem("damage is not reported: %.0f bytes on /metrics, logged: %t", bytes, logged)
	}
	if !visible && bytes > 0 {
		v.problem("%.0f damaged bytes are reported where there are none", bytes)
	}
	v.detail("%.0f bytes reported", bytes)
	return nil
}

// lastFrames are the records with events of the newest segment that has some.
func (f *field) lastFrames() ([]frame, error) {
	files, err := f.segments()
	if err != nil {
		return nil, err
	}
	for _, file := range slices.Backward(files) {
		frames, err := readFrames(file)
		if err != nil {
			return nil, err
		}
		if some := withEvents(frames); len(some) > 0 {
			return frames, nil
		}
	}
	return nil, errors.New("the log is empty")
}

// truncatedTail cuts the newest segment off in the middle of its last record.
func truncatedTail(f *field) (int, bool, error) {
	frames, err := f.lastFrames()
	if err != nil {
		return 0, false, err
	}
	last := frames[len(frames)-1]
	return last.events, true, edit(last.file, func(data []byte) []byte { return data[:last.record+last.recordLength/2] })
}

// zeroedTail writes zeros from the middle of a record to the end, as file
// systems do that have given a file its size and not its content.
func zeroedTail(f *field) (int, bool, error) {
	frames, err := f.lastFrames()
	if err != nil {
		return 0, false, err
	}
	lost := frames[max(0, len(frames)-5):]
	return eventsIn(lost), true, edit(lost[0].file, func(data []byte) []byte {
		clear(data[lost[0].record+lost[0].recordLength/2:])
		return data
	})
}

// flippedBits changes one bit in each of some records, in the middle of the log.
func flippedBits(f *field) (int, bool, error) {
	files, err := f.segments()
	if err != nil {
		return 0, false, err
	}
	frames, err := readFrames(files[len(files)/2])
	if err != nil {
		return 0, false, err
	}
	frames = withEvents(frames)
	if len(frames) < 8 {
		return 0, false, fmt.Errorf("segment %s has only %d records", files[len(files)/2], len(frames))
	}
	lost := []frame{frames[1], frames[3], frames[6]}
	return eventsIn(lost), true, edit(lost[0].file, func(data []byte) []byte {
		data[lost[0].record+rand.IntN(lost[0].recordLength)] ^= 1 << rand.IntN(8)
		data[lost[1].from+rand.IntN(frameHeaderBytes)] ^= 1 << rand.IntN(8) // its length may be among it
		data[lost[2].record+rand.IntN(lost[2].recordLength)] ^= 1 << rand.IntN(8)
		return data
	})
}

// missingSegment removes a segment between others.
func missingSegment(f *field) (int, bool, error) {
	files, err := f.segments()
	if err != nil {
		return 0, false, err
	}
	middle := files[len(files)/2]
	frames, err := readFrames(middle)
	if err != nil {
		return 0, false, err
	}
	if err := os.Remove(middle); err != nil {
		return 0, false, fmt.Errorf("damage the log: %w", err)
	}
	return eventsIn(frames), true, nil
}

// newerFormat makes a segment, and then a checkpoint, one of a later version: the
// collector must refuse it and touch nothing, so that the later version finds
// everything.
func newerFormat(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.fillLog(ctx)
	if err != nil {
		return v, err
	}
	defer l.stop()
	if err := l.finish(ctx); err != nil {
		return v, err
	}
	f.collector.kill()
	files, err := f.segments()
	if err != nil {
		return v, err
	}
	checkpoint, err := f.aCheckpoint()
	if err != nil {
		return v, err
	}
	for _, file := range []string{files[len(files)-1], checkpoint} {
		if err := f.refuseNewerFormat(ctx, file, &v); err != nil {
			return v, err
		}
	}
	if err := f.proxy.open(); err != nil {
		return v, err
	}
	if err := f.serve(ctx); err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	return judged, err
}

// aCheckpoint is a checkpoint that has been written: one of the two may not yet.
func (f *field) aCheckpoint() (string, error) {
	files, err := filepath.Glob(filepath.Join(f.queueDir(), "checkpoint.*"))
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Size() > 0 {
			return file, nil
		}
	}
	return "", errors.Join(errors.New("the log has no checkpoint"), err)
}

// refuseNewerFormat starts the collector with a file of a later version.
func (f *field) refuseNewerFormat(ctx context.Context, file string, v *verdict) error {
	const present, later = 1, 99
	setVersion := func(version uint32) error {
		return edit(file, func(data []byte) []byte {
			binary.LittleEndian.PutUint32(data[formatVersionAt:], version)
			// Without its checksum the version would be taken for damage.
			sum := checksumAt(data)
			binary.LittleEndian.PutUint32(data[sum:], crc32.Checksum(data[:sum], crc32.MakeTable(crc32.Castagnoli)))
			return data
		})
	}
	if err := setVersion(later); err != nil {
		return err
	}
	if err := f.start(); err != nil {
		return err
	}
	if err := f.collector.wait(ctx, stopPatience); err == nil || f.collector.cmd.ProcessState.ExitCode() < 1 || !strings.Contains(f.collector.said(), "format 99") {
		v.problem("a newer format of %s was not refused: %v, %s", filepath.Base(file), err, f.collector.lastWords())
	}
	v.detail("%s", f.collector.lastWords())
	return setVersion(present)
}

// twoProcesses starts a second collector on the same directory.
func twoProcesses(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	ports, err := freePorts(2)
	if err != nil {
		return v, err
	}
	second, err := f.command("serve", "--listen", local(ports[0]), "--admin-listen", local(ports[1]))
	if err != nil {
		return v, err
	}
	if err := second.wait(ctx, stopPatience); err == nil || second.cmd.ProcessState.ExitCode() < 1 || !strings.Contains(second.said(), f.queueDir()) {
		v.problem("the second was not refused by naming the directory: %v, %s", err, second.lastWords())
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	return judged, err
}

package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// newOutput returns an output at the given time that logs into the buffer.
func newOutput(now *time.Time) (*output, *bytes.Buffer) {
	var log bytes.Buffer
	handler := slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return &output{log: slog.New(handler), now: func() time.Time { return *now }}, &log
}

func TestOutputIsLoggedByItsLevel(t *testing.T) {
	now := time.Unix(0, 0)
	out, log := newOutput(&now)
	stamp := "2026.11.23 15:55:33.640814 [ 12071 ] {75b6941b-8894} "
	for _, part := range []string{
		stamp + "<Warning> Context: little ", "memory\n" + stamp,
		"<Error> MergeTreeBackgroundExecutor: disk full, Stack trace:\n\n0. ? @ 0x1\n",
		stamp + "<Error> executeQuery: Syntax error\n" + stamp + "<Information> Application: hello\n",
		stamp + "<Warning> BgSchPool: Temporarily pause scheduling of tasks\n" + stamp + "<Error> void DB::TCPHandler::sendData: Code: 210. Broken pipe (NETWORK_ERROR)\n",
		stamp + "<Fatal> BaseDaemon: Received signal 11\r\n",
		"Code: 210. DB::Exception: in use\nunfinished",
	} {
		if n, err := out.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	want := `level=WARN msg="ClickHouse: Context: little memory"
level=ERROR msg="ClickHouse: MergeTreeBackgroundExecutor: disk full, Stack trace:"
level=ERROR msg="ClickHouse: BaseDaemon: Received signal 11"
`
	if log.String() != want {
		t.Errorf("log:\n%swant:\n%s", log, want)
	}
	if got, want := out.Last(), "Code: 210. DB::Exception: in use"; got != want {
		t.Errorf("last words %q, want %q", got, want)
	}
}

func TestOutputIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	out, log := newOutput(&now)
	line := "2026.11.23 15:55:33.640814 [ 1 ] {} <Error> Disk: " + strings.Repeat("x", 1<<20) + "\n"
	for range maxLinesPerMinute + 7 {
		_, _ = fmt.Fprint(out, line)
	}
	if got := strings.Count(log.String(), "\n"); got != maxLinesPerMinute {
		t.Errorf("%d lines in the log of one minute, want %d", got, maxLinesPerMinute)
	}
	if got, most := log.Len(), maxLinesPerMinute*(maxLineBytes+100); got > most {
		t.Errorf("%d bytes in the log of one minute, want at most %d", got, most)
	}
	log.Reset()
	now = now.Add(time.Minute)
	_, _ = fmt.Fprint(out, "2026.11.23 15:56:33.640814 [ 1 ] {} <Error> Disk: again\n")
	want := "level=WARN msg=\"ClickHouse wrote too much to log it all\" lines_left_out=7\nlevel=ERROR msg=\"ClickHouse: Disk: again\"\n"
	if log.String() != want {
		t.Errorf("log of the next minute:\n%swant:\n%s", log, want)
	}
}

func TestPortHolderIsUnknownWithoutProc(t *testing.T) {
	if got := portHolder(t.TempDir(), 9000); got != "" {
		t.Errorf("got %q", got)
	}
}

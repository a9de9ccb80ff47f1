package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// logInjection sends texts that would write lines of their own, or colours, into
// the collector's log: in the request line, in headers and in bodies.
func logInjection(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.change(func(s *settings) { s.logLevel = "debug" }); err != nil {
		return v, err
	}
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	defer l.stop()
	const forged = "level=ERROR msg=forged"
	for _, hostile := range []string{"\n" + forged, "\r" + forged, "\x1b[31m" + forged, "%0a" + forged, "\\n" + forged, "\u2028" + forged, "\x00" + forged} {
		for _, request := range []string{
			fmt.Sprintf("POST %s?key=%s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nOrigin: %s\r\nContent-Length: 2\r\n\r\n{}", collectPath, appKey, hostile, origin),
			fmt.Sprintf("POST %s?key=%s HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\nContent-Length: 2\r\n\r\n{}", collectPath, hostile, origin),
			fmt.Sprintf("GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", hostile),
			fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hostile),
		} {
			if err := f.sendRaw(ctx, request); err != nil {
				return v, err
			}
		}
		r := oneError()
		quoted := strings.NewReplacer("\n", `\n`, "\r", `\r`, "\x1b", `\u001b`, "\x00", `\u0000`, `\`, `\\`).Replace(hostile)
		r.body = bytes.Replace(r.body, []byte(`"message":"`), []byte(`"message":"`+quoted), 1)
		if !l.deliver(ctx, r) {
			v.problem("a report with %q: %s", hostile, l.snapshot().odd)
		}
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	for line := range strings.Lines(f.collector.said()) {
		if strings.HasPrefix(line, "level=") || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\r\x1b\x00\u2028") {
			judged.problem("the log has the line %.100q", line)
			break
		}
	}
	return judged, err
}

// sendRaw sends a request byte by byte as it is and reads what comes back.
func (f *field) sendRaw(ctx context.Context, request string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", f.public)
	if err != nil {
		return fmt.Errorf("connect to the collector: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(sendPatience)); err != nil {
		return fmt.Errorf("send a request: %w", err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return fmt.Errorf("send a request: %w", err)
	}
	_, _ = conn.Read(make([]byte, 1<<10)) // whatever it is
	return nil
}

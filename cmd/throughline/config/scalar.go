package config

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// positioned is an error that knows its line.
type positioned struct {
	line    int
	message string
}

func (p *positioned) Error() string { return p.message }

func at(node ast.Node, format string, args ...any) error {
	return &positioned{node.GetToken().Position.Line, fmt.Sprintf(format, args...)}
}

// Duration is a length of time such as 250ms, 30s, 5m, 12h or 90d.
type Duration time.Duration

// Duration returns it as the standard library's type.
func (d Duration) Duration() time.Duration { return time.Duration(d) }

// UnmarshalYAML implements yaml.NodeUnmarshaler.
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	text := scalar(node)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			*d = Duration(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	value, err := time.ParseDuration(text)
	if err != nil || value < 0 {
		return at(node, "must be a duration such as 250ms, 30s, 5m, 12h or 90d")
	}
	*d = Duration(value)
	return nil
}

// Size is a number of bytes such as 64KiB, 16MiB or 2GiB.
type Size int64

// UnmarshalYAML implements yaml.NodeUnmarshaler.
func (s *Size) UnmarshalYAML(node ast.Node) error {
	text := scalar(node)
	for suffix, unit := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32); err == nil && n >= 0 {
				*s = Size(n * unit)
				return nil
			}
		}
	}
	return at(node, "must be a size such as 64KiB, 16MiB or 2GiB")
}

// Secret is a text that is never printed.
type Secret string

const redacted = "<redacted>"

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func scalar(node ast.Node) string {
	if text, ok := node.(*ast.StringNode); ok {
		return text.Value
	}
	return node.GetToken().Value
}

package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// FileError is everything that is wrong with a configuration file.
type FileError struct {
	Path     string
	Problems []Problem
}

// Problem is one thing wrong with a configuration.
type Problem struct {
	Line    int    // 0 when it belongs to no line
	Key     string // such as apps[0].key, "" for the file
	Message string
}

// Error implements error: one line per problem, as compilers write them.
func (e *FileError) Error() string {
	lines := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		text := cmp.Or(e.Path, "configuration")
		if p.Line > 0 {
			text += fmt.Sprintf(":%d", p.Line)
		}
		if p.Key != "" {
			text += ": " + p.Key
		}
		lines = append(lines, text+": "+p.Message)
	}
	return strings.Join(lines, "\n")
}

// secretVariables are the environment variables that override secrets.
func secretVariables(c *Config) map[string]*Secret {
	return map[string]*Secret{
		"THROUGHLINE_CLICKHOUSE_PASSWORD": &c.ClickHouse.Password,
		"THROUGHLINE_AGENT_TOKEN":         &c.AgentToken,
		"THROUGHLINE_USER_ID_KEY":         &c.UserIDKey,
		"THROUGHLINE_UPLOAD_TOKEN":        &c.SourceMaps.UploadToken,
		"THROUGHLINE_BUCKET_ACCESS_KEY":   &c.Journeys.Evidence.Bucket.AccessKey,
		"THROUGHLINE_BUCKET_SECRET_KEY":   &c.Journeys.Evidence.Bucket.SecretKey,
	}
}

// Load reads the file at path over the defaults, takes secrets from the
// environment where it has them, lays what override says over it, and checks the
// whole. An empty path is an empty file; override may be nil. What is wrong
// with the result comes as a *FileError.
func Load(path string, getenv func(string) string, override func(*Config)) (Config, error) {
	var data []byte
	if path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return Config{}, fmt.Errorf("read the configuration: %w", err)
		}
	}
	c := Default()
	decoder := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	err := decoder.Decode(&c)
	switch {
	case errors.Is(err, io.EOF): // nothing in it; the decoder leaves zeros
		c = Default()
	case err != nil:
		return Config{}, &FileError{path, []Problem{problemOf(err)}}
	}
	for name, secret := range secretVariables(&c) {
		if value := getenv(name); value != "" {
			*secret = Secret(value)
		}
	}
	if override != nil {
		override(&c)
	}
	problems := c.Validate()
	if len(problems) == 0 {
		return c, nil
	}
	locate(data, problems)
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	return Config{}, &FileError{path, problems}
}

func problemOf(err error) Problem {
	var ours *positioned
	if errors.As(err, &ours) {
		return Problem{Line: ours.line, Message: ours.message}
	}
	var theirs yaml.Error
	if errors.As(err, &theirs) {
		problem := Problem{Message: theirs.GetMessage()}
		if token := theirs.GetToken(); token != nil {
			problem.Line = token.Position.Line
		}
		return problem
	}
	return Problem{Message: err.Error()}
}

// locate fills in the lines of problems from their keys.
func locate(data []byte, problems []Problem) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return
	}
	for i := range problems {
		problems[i].Line = lineOf(file, problems[i].Key)
	}
}

// lineOf is the line of the key, or of the closest thing around it that exists.
func lineOf(file *ast.File, key string) int {
	for key != "" {
		if path, err := yaml.PathString("$." + key); err == nil {
			if node, err := path.FilterFile(file); err == nil && node != nil {
				return node.GetToken().Position.Line
			}
		}
		cut := strings.LastIndexAny(key, ".[")
		if cut < 0 {
			break
		}
		key = key[:cut]
	}
	return 0
}

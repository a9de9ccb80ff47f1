package dashboards_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// grafana expands what Grafana and its ClickHouse plugin expand in a query
// before ClickHouse sees it: macros and variables.
type grafana struct {
	from, to time.Time
	interval time.Duration
	// chosen are the values of the variables; one that is not there is "All".
	chosen map[string][]string
}

// expand returns the SQL that ClickHouse gets.
func (g grafana) expand(sql string) string {
	sql = g.conditions(sql)
	for name, values := range g.chosen {
		sql = strings.ReplaceAll(sql, "${"+name+":singlequote}", "'"+strings.Join(values, "','")+"'")
	}
	sql = regexp.MustCompile(`\$__timeFilter\((\w+)\)`).ReplaceAllString(sql,
		fmt.Sprintf("$1 >= toDateTime(%d) AND $1 <= toDateTime(%d)", g.from.Unix(), g.to.Unix()))
	return regexp.MustCompile(`\$__timeInterval\((\w+)\)`).ReplaceAllString(sql,
		fmt.Sprintf("toStartOfInterval(toDateTime($1), INTERVAL %d second)", int(g.interval.Seconds())))
}

// conditions expands $__conditionalAll(condition, $variable), the last one
// first, to its condition or, where all of the variable is chosen, to 1=1.
func (g grafana) conditions(sql string) string {
	const macro = "$__conditionalAll("
	for {
		begin := strings.LastIndex(sql, macro)
		if begin < 0 {
			return sql
		}
		end, comma := begin+len(macro), 0
		for depth := 1; ; end++ {
			switch sql[end] {
			case '(':
				depth++
			case ')':
				depth--
			case ',':
				if depth == 1 {
					comma = end
				}
			}
			if depth == 0 {
				break
			}
		}
		condition, variable := sql[begin+len(macro):comma], strings.TrimSpace(sql[comma+1:end])
		if len(g.chosen[strings.TrimPrefix(variable, "$")]) == 0 {
			condition = "1=1"
		}
		sql = sql[:begin] + condition + sql[end+1:]
	}
}

func TestExpand(t *testing.T) {
	g := grafana{
		from: time.Unix(1700000000, 0), to: time.Unix(1700003600, 0), interval: time.Minute,
		chosen: map[string][]string{"app": {"shop", "blog"}},
	}
	for sql, want := range map[string]string{
		"$__timeFilter(ts)":   "ts >= toDateTime(1700000000) AND ts <= toDateTime(1700003600)",
		"$__timeInterval(ts)": "toStartOfInterval(toDateTime(ts), INTERVAL 60 second)",
		"$__conditionalAll(app IN (${app:singlequote}), $app)":                             "app IN ('shop','blog')",
		"$__conditionalAll(source IN (${source:singlequote}), $source)":                    "1=1",
		"a AND $__conditionalAll(f(x, y), $source) AND $__conditionalAll(g(x), $app) OR b": "a AND 1=1 AND g(x) OR b",
	} {
		if got := g.expand(sql); got != want {
			t.Errorf("%s became %s, want %s", sql, got, want)
		}
	}
}

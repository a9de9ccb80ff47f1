package clickhouse

import (
	"fmt"
	"strings"
)

// errorGroups is rollup_errors over all time, one row per app, source, kind of
// visitor and group.
func errorGroups() view {
	v := view{name: "error_groups", replace: true}
	var figures []string
	for _, c := range [][2]string{
		{"app", "app"},
		{"source", "source"},
		{"bot", "bot"},
		{"fingerprint", "fingerprint"},
		{"kind", "argMax(r.kind, r.last_seen)"},
		{"type", "argMax(r.type, r.last_seen)"},
		{"message", "argMax(r.message, r.last_seen)"},
		{"noise", "argMax(r.noise, r.last_seen)"},
		{"occurrences", "sum(r.occurrences)"},
		{"first_seen", "min(r.first_seen)"},
		{"last_seen", "max(r.last_seen)"},
		{"sessions", "uniqCombined64Merge(12)(r.sessions)"},
		{"releases", "arraySort(groupUniqArrayArray(r.releases))"},
		{"transactions", "arraySort(arrayFilter(t -> t != '', groupUniqArrayArray(r.transactions)))"},
	} {
		column, figure := c[0], c[1]
		v.columns = append(v.columns, column)
		figures = append(figures, figure+" AS "+quote(column))
	}
	v.query = fmt.Sprintf("SELECT\n    %s\nFROM rollup_errors AS r\nGROUP BY app, source, bot, fingerprint", strings.Join(figures, ",\n    "))
	v.create = fmt.Sprintf("CREATE VIEW IF NOT EXISTS %s AS\n%s", quote(v.name), v.query)
	return v
}

package clickhouse

import (
	"fmt"
	"slices"
	"strings"
)

// pageViewReports says of each event of a page view which of the view's reports
// brought it: what is counted for the reports that were lost. Its conditions are
// passed on to the tables.
func pageViewReports() view {
	v := view{
		name: "page_view_reports", replace: true,
		columns: []string{
			"app", "source", "bot", "transaction", "session_id", "page_view_id", "page", "release", "country", "device",
			"browser", "browser_version", "report_sequence", "timestamp",
		},
	}
	var parts []string
	for _, t := range tables() {
		if !slices.ContainsFunc(t.columns, func(c column) bool { return c.name == "report_sequence" }) {
			continue
		}
		ended := "false"
		if t.name == pageViews().name {
			ended = "duration_ms IS NOT NULL" // only final reports tell it
		}
		parts = append(parts, fmt.Sprintf("SELECT %s, '%s' AS event_table, %s AS is_final FROM %s WHERE page_view_id != 0", strings.Join(v.columns, ", "), t.name, ended, t.name))
	}
	v.columns = append(v.columns, "event_table", "is_final")
	v.query = strings.Join(parts, "\nUNION ALL\n")
	v.create = fmt.Sprintf("CREATE VIEW IF NOT EXISTS %s AS\n%s", quote(v.name), v.query)
	return v
}

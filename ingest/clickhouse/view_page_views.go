package clickhouse

import (
	"fmt"
	"slices"
	"strings"
)

// wholePageViews puts the early and the final report of each page view
// together. It reads what is asked of page_views, so a query is to say which
// app and time it wants; a condition on a column of the key is passed on.
func wholePageViews() view {
	key := []string{"app", "transaction", "session_id", "page_view_id", "timestamp", "source"}
	// What may show in one of the reports only, and is empty or 0 in the other.
	inOneReport := []string{"bot", "user_id", "abandoned", "preferences", "report_sequence"}
	v := view{name: "whole_page_views", replace: true}
	figures := make([]string, 0, len(pageViews().columns))
	for _, c := range pageViews().columns {
		figure := quote(c.name)
		switch {
		case slices.Contains(inOneReport, c.name):
			figure = fmt.Sprintf("max(%s) AS %s", figure, figure)
		case c.name == "attributes":
			figure = "argMax(attributes, page_views.report_sequence) AS attributes" // the app may have said more since
		case !slices.Contains(key, c.name):
			figure = fmt.Sprintf("any(%s) AS %s", figure, figure) // of those that are not NULL
		}
		figures = append(figures, figure)
		v.columns = append(v.columns, c.name)
	}
	v.query = fmt.Sprintf("SELECT\n    %s\nFROM page_views\nGROUP BY %s", strings.Join(figures, ",\n    "), strings.Join(key, ", "))
	v.create = fmt.Sprintf("CREATE VIEW IF NOT EXISTS %s AS\n%s", quote(v.name), v.query)
	return v
}

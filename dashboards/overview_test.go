package dashboards_test

import (
	"testing"

	"throughline/dashboards"
)

func TestApdexText(t *testing.T) {
	figure := func(f float64) *float64 { return &f }
	for _, c := range []struct {
		name string
		row  dashboards.OverviewRow
		want string
	}{
		{"no sample", dashboards.OverviewRow{}, "NS"},
		{"small group", dashboards.OverviewRow{Apdex: figure(0.835), ApdexSamples: 99, ApdexTargetMS: figure(2000)}, "0.83 [2.0]*"},
		{"enough", dashboards.OverviewRow{Apdex: figure(0.94), ApdexSamples: 100, ApdexTargetMS: figure(1500)}, "0.94 [1.5]"},
		{"target not known", dashboards.OverviewRow{Apdex: figure(1), ApdexSamples: 1}, "1.00*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.row.ApdexText(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

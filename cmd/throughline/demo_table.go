package main

import (
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"throughline/dashboards"
)

// renderTable writes the overview for a terminal.
func renderTable(rows []dashboards.OverviewRow, colour bool) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	t.AppendHeader(table.Row{"Transaction", "Source", "Instances", "Completed", "Apdex", "p75 LCP", "p75 wait", "Errors"})
	var numbers []table.ColumnConfig
	for column := 3; column <= 8; column++ {
		numbers = append(numbers, table.ColumnConfig{Number: column, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(numbers)
	for _, r := range rows {
		t.AppendRow(table.Row{
			r.Transaction, r.Source, r.Instances, r.Completed, paint(r.ApdexText(), apdexColour(r), colour),
			milliseconds(r.P75LCPMS), milliseconds(r.P75WaitMS), r.Errors,
		})
	}
	if len(rows) == 0 {
		return "nothing measured yet"
	}
	return t.Render()
}

// Apdex ratings of the specification, by their lower bounds.
const (
	apdexGood = 0.85
	apdexFair = 0.70
)

// Colours of the terminal.
const (
	green  = text.FgGreen
	yellow = text.FgYellow
	red    = text.FgRed
	faint  = text.Faint
)

func apdexColour(r dashboards.OverviewRow) text.Color {
	switch {
	case r.Apdex == nil:
		return faint
	case *r.Apdex >= apdexGood:
		return green
	case *r.Apdex >= apdexFair:
		return yellow
	default:
		return red
	}
}

func paint(value string, as text.Color, colour bool) string {
	if !colour {
		return value
	}
	return as.EscapeSeq() + value + text.Reset.EscapeSeq()
}

// milliseconds writes a time as people read it; a dash when there is none.
func milliseconds(ms *float64) string {
	if ms == nil {
		return "–"
	}
	if *ms < 1000 {
		return strconv.FormatFloat(*ms, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(*ms/float64(time.Second/time.Millisecond), 'f', 1, 64) + " s"
}

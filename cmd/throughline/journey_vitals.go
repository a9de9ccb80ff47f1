package main

import (
	"cmp"
	"fmt"

	"throughline/beacon"
)

// pageVitals is what was measured on one page of a run.
type pageVitals struct {
	URL    string   `json:"url"`
	TTFBMS *float64 `json:"ttfb_ms,omitempty"`
	FCPMS  *float64 `json:"fcp_ms,omitempty"`
	LCPMS  *float64 `json:"lcp_ms,omitempty"`
	INPMS  *float64 `json:"inp_ms,omitempty"`
	CLS    *float64 `json:"cls,omitempty"`
}

// vitals are the Web Vitals of the pages of a run, in the order of the pages.
func vitals(reports []beacon.Report) []pageVitals {
	pages := []pageVitals{}
	index := map[string]int{}
	for _, report := range reports {
		if report.View == nil {
			continue
		}
		for _, event := range report.Events {
			if event.PageView == nil {
				continue
			}
			i, known := index[report.View.ID]
			if !known {
				i = len(pages)
				index[report.View.ID] = i
				pages = append(pages, pageVitals{URL: report.View.URL})
			}
			pages[i].add(*event.PageView)
		}
	}
	return pages
}

// add takes what a later report of the page tells.
func (p *pageVitals) add(view beacon.PageView) {
	p.TTFBMS = cmp.Or(view.TTFBMS, p.TTFBMS)
	p.FCPMS = cmp.Or(view.FCPMS, p.FCPMS)
	p.LCPMS = cmp.Or(view.LCPMS, p.LCPMS)
	p.INPMS = cmp.Or(view.INPMS, p.INPMS)
	p.CLS = cmp.Or(view.CLS, p.CLS)
}

// String is a line for people.
func (p pageVitals) String() string {
	text := p.URL
	for _, vital := range []struct {
		name string
		ms   *float64
	}{{"TTFB", p.TTFBMS}, {"LCP", p.LCPMS}, {"INP", p.INPMS}} {
		if vital.ms != nil {
			text += "  " + vital.name + " " + milliseconds(vital.ms)
		}
	}
	if p.CLS != nil {
		text += fmt.Sprintf("  CLS %.2f", *p.CLS)
	}
	return text
}

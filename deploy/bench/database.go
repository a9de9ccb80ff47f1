package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// database is an embedded engine, asked over HTTP.
type database struct{ url string }

// rows are the answer to a query, by line and tab.
func (d database) rows(ctx context.Context, query string) ([][]string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/?database=throughline", strings.NewReader(query+" FORMAT TSV"))
	if err != nil {
		return nil, fmt.Errorf("ask ClickHouse: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask ClickHouse: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read ClickHouse's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ClickHouse answered %s: %s", response.Status, strings.TrimSpace(string(answer)))
	}
	var rows [][]string
	for line := range strings.Lines(string(answer)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows, nil
}

// numbers are those of an answer of one line.
func (d database) numbers(ctx context.Context, query string) ([]float64, error) {
	rows, err := d.rows(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("ClickHouse answered %d lines to %s", len(rows), query)
	}
	numbers := make([]float64, len(rows[0]))
	for i, field := range rows[0] {
		if numbers[i], err = strconv.ParseFloat(field, 64); err != nil {
			return nil, fmt.Errorf("ClickHouse answered %q to %s", field, query)
		}
	}
	return numbers, nil
}

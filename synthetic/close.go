package synthetic

import "context"

// Close closes the tab of its place, as its user would. Steps after it can only
// act elsewhere.
type Close struct{}

// Type implements [Action].
func (Close) Type() string { return "close" }

func (Close) label() string { return "close" }

func (Close) run(ctx context.Context, on *stage) error { return on.CloseTab(ctx) }

func (Close) write(*writer) {}

func readClose(*reader) Action { return Close{} }

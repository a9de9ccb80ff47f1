package ingest

import (
	"context"
	"encoding/json"
	"time"
)

// RowEncoder turns rows into the bytes that wait in the log. It is safe for
// concurrent use.
type RowEncoder interface {
	// AppendRow appends the encoded row to dst. What it appends delimits itself.
	AppendRow(dst []byte, row *Row) []byte
	// AppendLedger appends the ledger's entries as rows.
	AppendLedger(dst []byte, at time.Time, entries []Entry) []byte
	// Schema describes the encoding, so that a later version can read the rows.
	Schema() []byte
}

// EncodedRows are the rows of one record of the log.
type EncodedRows struct {
	App    string
	Schema []byte // of the encoder that wrote them
	Rows   []byte // what AppendRow appended, one after the other
}

// Batch is a frozen run of encoded rows. The same token always stands for the
// same rows, so a sink can tell a repeated batch from a new one.
type Batch struct {
	Token   string
	Records []EncodedRows
	// Cuts is nil for a batch that does not come again after a crash.
	Cuts Cuts
}

// Cuts remembers, over crashes, which pieces of a batch the sink has cut up
// because they were refused as a whole. A piece that was cut once must not be
// stored whole later, when the sink might take it: parts of it may be stored.
type Cuts interface {
	WasCut(piece string) bool
	// Cut is called before the parts of a piece are stored. When it fails, they
	// must not be.
	Cut(piece string) error
}

// Sink stores batches. Write returns nil once every row of the batch is stored,
// exactly once however often a batch of that token was written before. A
// *RefusedError says that repeating is of no use; any other error that it may be.
type Sink interface {
	Write(ctx context.Context, batch Batch) error
}

// RefusedError is rows of a batch that the sink will never take; it has stored
// the others.
type RefusedError struct {
	Rows []RefusedRow
	Err  error
}

// Error implements error.
func (e *RefusedError) Error() string { return "refused: " + e.Err.Error() }

// Unwrap returns the sink's reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// RefusedRow is a row that the sink will not take, as people can read it.
type RefusedRow struct {
	App   string `json:"app"`
	Table string `json:"table"`
	// Event is false for rows that are no event, such as the ledger's.
	Event bool `json:"event"`
	// Reason is what the database said, in one line.
	Reason string `json:"reason"`
	// Values are the row's, by column.
	Values json.RawMessage `json:"values"`
}

package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"throughline/ingest"
)

var _ ingest.Sink = (*Store)(nil)

// maxPieces bounds into how many pieces the rows of a table are cut to find
// those that it refuses.
const maxPieces = 256

// Write stores the rows of a batch, each table's as one block under the batch's
// token. Writing a batch again is safe: a table that has it already lets it
// pass (see deduplicationWindow), and so do the rollups. Rows that a table will
// never take do not keep the others from theirs: they are in the
// *ingest.RefusedError. Any other error leaves open what was stored; the batch
// is to be written again.
func (s *Store) Write(ctx context.Context, batch ingest.Batch) error {
	into, err := s.takeInserter(ctx)
	if err != nil {
		return err
	}
	defer func() { s.inserters <- into }()
	read := readBatch(batch, s.tables, s.encoder.Schema(), s.layout)
	refused := ingest.RefusedError{Rows: read.refused}
	if len(read.refused) > 0 {
		refused.Err = errors.New(read.refused[0].Reason)
	}
	for i, found := range read.found {
		if len(found) == 0 {
			continue
		}
		if err := s.store(ctx, into, batch, rows{read, i, 0, len(found)}, &refused); err != nil {
			return err
		}
	}
	if refused.Err != nil {
		return &refused
	}
	return nil
}

// takeInserter waits for the inserter; it is to be put back.
func (s *Store) takeInserter(ctx context.Context) (*inserter, error) {
	select {
	case into, ok := <-s.inserters:
		if !ok {
			return nil, errors.New("the database is closed")
		}
		return into, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// store inserts rows of one table. When the table refuses them it cuts them in
// halves until it knows the rows that it refuses, or has so many pieces that
// those with such rows are refused as a whole. Each piece has a token of its
// own, which is the same however often the batch comes, and a piece that was cut
// once stays cut: the table may have been changed since, and take it whole. For
// the same reason a piece that is refused may be there.
func (s *Store) store(ctx context.Context, into *inserter, batch ingest.Batch, all rows, refused *ingest.RefusedError) error {
	pieces := []rows{all}
	for made := 1; len(pieces) > 0; pieces = pieces[1:] {
		piece := pieces[0]
		name := into.tables[all.table].name + " " + pieceToken(batch.Token, piece, all)
		if batch.Cuts != nil && batch.Cuts.WasCut(name) {
			made += 2
			pieces = append(slices.Clip(pieces), piece.halves()...)
			continue
		}
		unread, err := into.insert(ctx, pieceToken(batch.Token, piece, all), piece)
		if err == nil {
			if len(unread) > 0 {
				refused.Rows = append(refused.Rows, unread...)
				refused.Err = errors.Join(refused.Err, fmt.Errorf("%s: %s", into.tables[all.table].name, unread[0].Reason))
			}
			continue
		}
		if !isPoison(err) {
			return err
		}
		there, lookErr := s.stored(ctx, piece)
		switch {
		case lookErr != nil:
			return errors.Join(err, lookErr)
		case there:
		case piece.to-piece.from > 1 && made < maxPieces:
			if batch.Cuts != nil {
				if err := batch.Cuts.Cut(name); err != nil {
					return err
				}
			}
			made += 2
			pieces = append(slices.Clip(pieces), piece.halves()...)
		default:
			refused.Rows = append(refused.Rows, piece.refuse(err.Error())...)
			refused.Err = errors.Join(refused.Err, err)
		}
	}
	return nil
}

// pieceToken is the batch's token for all rows of a table.
func pieceToken(token string, piece, all rows) string {
	if piece == all {
		return token
	}
	return fmt.Sprintf("%s/%d-%d", token, piece.from, piece.to)
}

func (r rows) halves() []rows {
	first, second := r, r
	first.to = r.from + (r.to-r.from)/2
	second.from = first.to
	return []rows{first, second}
}

// refuse returns the rows as people can read them.
func (r rows) refuse(reason string) []ingest.RefusedRow {
	refused := make([]ingest.RefusedRow, 0, r.to-r.from)
	for ; r.from < r.to; r.from++ {
		app, l, body := r.first()
		refused = append(refused, l.refuse(app, body, reason))
	}
	return refused
}

package clickhouse

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"

	"throughline/ingest"
)

// Replay stores rows that were refused earlier, and perhaps mended since, and
// returns how many of them were there already. It may be repeated: an event that a
// table has is not stored there again. What is refused again is in an
// *ingest.RefusedError, and then is all that is left to replay; any other error is
// a row that cannot be understood, before anything is stored, or the database's, to
// try again. The token says where the rows come from.
func (s *Store) Replay(ctx context.Context, token string, refused []ingest.RefusedRow) (there int, err error) {
	encoded := make([]ingest.EncodedRows, len(refused))
	for i, row := range refused {
		content, err := s.encodeRefused(row)
		if err != nil {
			return 0, fmt.Errorf("row %d, of table %s: %w", i+1, row.Table, err)
		}
		encoded[i] = ingest.EncodedRows{App: row.App, Schema: s.encoder.Schema(), Rows: content}
	}
	missing, err := s.missing(ctx, encoded)
	if err != nil {
		return 0, err
	}
	// A row that was mended, or left out, must not be taken for what was stored under this token before.
	content := sha256.New()
	for _, row := range missing {
		_, _ = content.Write(row.Rows)
	}
	return len(encoded) - len(missing), s.Write(ctx, ingest.Batch{
		Token: fmt.Sprintf("%s-replay-%x", token, content.Sum(nil)[:16]), Records: missing,
	})
}

// missing returns the records, of one row each, whose rows no table has.
func (s *Store) missing(ctx context.Context, records []ingest.EncodedRows) ([]ingest.EncodedRows, error) {
	read := readBatch(ingest.Batch{Records: records}, s.tables, s.encoder.Schema(), s.layout)
	var missing []ingest.EncodedRows
	stored := map[uint32]bool{}
	for table, found := range read.found {
		of, err := s.storedRows(ctx, rows{read, table, 0, len(found)})
		if err != nil {
			return nil, err
		}
		maps.Copy(stored, of)
	}
	for i, record := range records {
		if !stored[uint32(i)] {
			missing = append(missing, record)
		}
	}
	return missing, nil
}

func (s *Store) encodeRefused(row ingest.RefusedRow) ([]byte, error) {
	for i, t := range s.tables {
		if t.name == row.Table {
			return encodeJSON(nil, t, byte(i), row.Values)
		}
	}
	return nil, fmt.Errorf("there is no table %q", row.Table)
}

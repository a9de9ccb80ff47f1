package clickhouse

import (
	"context"
	"crypto/sha256"
	"fmt"

	"throughline/ingest"
)

// Replay stores rows that were refused earlier, and perhaps mended since. It
// may be repeated: the same rows are stored once. What is refused again is in
// an *ingest.RefusedError, and then is all that is left to replay; any other
// error is a row that cannot be understood, before anything is stored, or the
// database's, to try again. The token says where the rows come from.
func (s *Store) Replay(ctx context.Context, token string, refused []ingest.RefusedRow) error {
	batch := ingest.Batch{}
	content := sha256.New()
	for i, row := range refused {
		encoded, err := s.encodeRefused(row)
		if err != nil {
			return fmt.Errorf("row %d, of table %s: %w", i+1, row.Table, err)
		}
		_, _ = content.Write(encoded)
		batch.Records = append(batch.Records, ingest.EncodedRows{App: row.App, Schema: s.encoder.Schema(), Rows: encoded})
	}
	// A row that was mended, or left out, must not be taken for what was stored under this token before.
	batch.Token = fmt.Sprintf("%s-replay-%x", token, content.Sum(nil)[:16])
	return s.Write(ctx, batch)
}

func (s *Store) encodeRefused(row ingest.RefusedRow) ([]byte, error) {
	for i, t := range s.tables {
		if t.name == row.Table {
			return encodeJSON(nil, t, byte(i), row.Values)
		}
	}
	return nil, fmt.Errorf("there is no table %q", row.Table)
}

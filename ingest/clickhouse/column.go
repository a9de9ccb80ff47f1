package clickhouse

import (
	"strconv"
	"time"

	"throughline/ingest"
)

// record is what the values of a row come from: an event, or a line of the
// ledger, of which Row holds the app and the time.
type record struct {
	*ingest.Row
	entry *ingest.Entry
}

// column is one column of a table. The schema, the bytes in the log, the block
// that is sent, dead letters and the documentation all derive from it.
type column struct {
	name string
	typ  columnType
	doc  string // one line: meaning, unit, what an empty value stands for
	from source
	// codec replaces the one of the type, "" does not.
	codec string
	// formula makes the database compute the column, which then has no source.
	formula string
}

// source is where the values of a column come from: the function of the
// column's kind is set, the others are nil.
type source struct {
	text   func(record) string            // of kindText, and of kindID as 16 hexadecimal characters
	number func(record) (uint64, bool)    // of the integers; false for NULL
	float  func(record) (float64, bool)   // of kindFloat32; false for NULL
	time   func(record) (value time.Time) // of kindTime
	pairs  func(record) map[string]string // of kindPairs
}

func text(value func(record) string) source { return source{text: value} }

func textOf[T ~string](value func(record) T) source {
	return source{text: func(r record) string { return string(value(r)) }}
}

func number[T int | int64 | uint64](value func(record) T) source {
	return source{number: func(r record) (uint64, bool) { return uint64(value(r)), true }}
}

func optionalNumber[T int | int64](value func(record) *T) source {
	return source{number: func(r record) (uint64, bool) {
		v := value(r)
		if v == nil {
			return 0, false
		}
		return uint64(*v), true
	}}
}

func float(value func(record) float64) source {
	return source{float: func(r record) (float64, bool) { return value(r), true }}
}

func optionalFloat(value func(record) *float64) source {
	return source{float: func(r record) (float64, bool) {
		v := value(r)
		if v == nil {
			return 0, false
		}
		return *v, true
	}}
}

func pairs(value func(record) map[string]string) source { return source{pairs: value} }

func instant(value func(record) time.Time) source { return source{time: value} }

// kind is how a value is written: in the log and, with the same bytes, in
// ClickHouse's native format, where only pairs are taken apart.
type kind uint8

// The kinds. Their names stand in the schema that goes with the log.
const (
	kindText    kind = iota + 1 // uvarint length and bytes
	kindID                      // 8 bytes, little endian; 16 hexadecimal characters for people
	kindUint16                  // 2 bytes, little endian
	kindUint32                  // 4 bytes
	kindUint64                  // 8 bytes
	kindFloat32                 // 4 bytes, IEEE 754
	kindTime                    // 8 bytes, milliseconds since 1970
	kindPairs                   // uvarint length, and key and value of each pair as texts, the keys in order
)

// kindNames are the names of the kinds, by kind.
func kindNames() []string {
	return []string{"", "text", "id", "uint16", "uint32", "uint64", "float32", "time", "pairs"}
}

// String returns the kind's name.
func (k kind) String() string { return kindNames()[k] }

// width is the size of a value in bytes, 0 when it tells its own.
func (k kind) width() int {
	switch k {
	case kindUint16:
		return 2
	case kindUint32, kindFloat32:
		return 4
	case kindID, kindUint64, kindTime:
		return 8
	case kindText, kindPairs:
	}
	return 0
}

// columnType is one of the types that columns have.
type columnType uint8

// The types. An optional one tells NULL, which means not measured or brought by
// another report, from a value.
//
// Milliseconds are Float32, rounded to an eighth, which is as fine as the tenths
// that browsers tell and leaves their low bits zero: all tables together take 4 %
// less. Tenths in a Decimal with T64 would take less still (30 bytes instead of 44,
// unrounded, for the 20 of a page view), but then lcp_ms / 1000 has one decimal,
// and lcp_ms * 1000 may be an error.
const (
	typeName         columnType = iota // one of few texts
	typeText                           // one of many texts
	typeOptionalText                   // "" is NULL
	typeID                             // 64 random bits
	typeUint16
	typeUint32
	typeUint64
	typeOptionalUint16
	typeOptionalUint64
	typeMilliseconds
	typeOptionalMilliseconds
	typeOptionalFloat
	typeTime
	typeWeight // how many one stands for: 1 unless more is told
	typePairs  // names and values that others make up
)

// typeInfo is what a columnType stands for.
type typeInfo struct {
	kind     kind
	sql      string
	codec    string
	nullable bool
	few      bool // LowCardinality
	eighths  bool // rounded to them
	// otherwise is what a row has that tells no value, be it older than the column;
	// of kindFloat32.
	otherwise float32
}

func (t columnType) info() typeInfo {
	switch t {
	case typeName:
		return typeInfo{kind: kindText, sql: "LowCardinality(String)", few: true}
	case typeText:
		return typeInfo{kind: kindText, sql: "String", codec: "ZSTD(1)"}
	case typeOptionalText:
		return typeInfo{kind: kindText, sql: "Nullable(String)", codec: "ZSTD(1)", nullable: true}
	case typeID:
		return typeInfo{kind: kindID, sql: "UInt64", codec: "ZSTD(1)"}
	case typeUint16:
		return typeInfo{kind: kindUint16, sql: "UInt16", codec: "ZSTD(1)"}
	case typeUint32:
		return typeInfo{kind: kindUint32, sql: "UInt32", codec: "ZSTD(1)"}
	case typeUint64:
		return typeInfo{kind: kindUint64, sql: "UInt64", codec: "ZSTD(1)"}
	case typeOptionalUint16:
		return typeInfo{kind: kindUint16, sql: "Nullable(UInt16)", codec: "ZSTD(1)", nullable: true}
	case typeOptionalUint64:
		return typeInfo{kind: kindUint64, sql: "Nullable(UInt64)", codec: "ZSTD(1)", nullable: true}
	case typeMilliseconds:
		return typeInfo{kind: kindFloat32, sql: "Float32", codec: "ZSTD(1)", eighths: true}
	case typeOptionalMilliseconds:
		return typeInfo{kind: kindFloat32, sql: "Nullable(Float32)", codec: "ZSTD(1)", nullable: true, eighths: true}
	case typeOptionalFloat:
		return typeInfo{kind: kindFloat32, sql: "Nullable(Float32)", codec: "ZSTD(1)", nullable: true}
	case typeTime:
		return typeInfo{kind: kindTime, sql: "DateTime64(3, 'UTC')", codec: "ZSTD(1)"}
	case typeWeight:
		return typeInfo{kind: kindFloat32, sql: "Float32", codec: "ZSTD(1)", otherwise: 1}
	case typePairs:
		return typeInfo{kind: kindPairs, sql: "Map(String, String)", codec: "ZSTD(1)"}
	}
	return typeInfo{}
}

// storedCodec is the codec that the schema gives the column, "" for the default.
func (c column) storedCodec() string {
	if c.codec != "" {
		return c.codec
	}
	return c.typ.info().codec
}

// otherwise is the column's value in rows that are older than it, "" for the type's.
func (c column) otherwise() string {
	if value := c.typ.info().otherwise; value != 0 {
		return strconv.FormatFloat(float64(value), 'g', -1, 32)
	}
	return ""
}

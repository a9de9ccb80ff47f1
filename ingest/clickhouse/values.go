package clickhouse

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"throughline/ingest"
)

// unreadableColumn is what stands for the columns of a row that cannot be read.
const unreadableColumn = "unreadable_base64"

// unreadable is a row of which only the bytes are known.
func unreadable(app, table string, body []byte, reason error) ingest.RefusedRow {
	return ingest.RefusedRow{
		App: app, Table: table, Event: table != ledgerTable, Reason: oneLine(reason.Error()),
		Values: json.RawMessage(`{"` + unreadableColumn + `":"` + base64.StdEncoding.EncodeToString(body) + `"}`),
	}
}

// refuse is a row with its values as people can read them.
func (l tableLayout) refuse(app string, body []byte, reason string) ingest.RefusedRow {
	own := l.inOwnOrder()
	cells, err := own.split(nil, body)
	if err != nil {
		return unreadable(app, l.name, body, err)
	}
	text := []byte{'{'}
	for _, cell := range cells {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(appendJSONText(text, own.fields[cell.to].name), ':')
		text = own.fields[cell.to].kind.appendJSON(text, cell.bytes)
	}
	return ingest.RefusedRow{App: app, Table: l.name, Event: l.name != ledgerTable, Reason: oneLine(reason), Values: append(text, '}')}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func appendJSONText(dst []byte, value string) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // a string
	}
	return append(dst, bytes.TrimSuffix(buffer.Bytes(), []byte{'\n'})...)
}

// appendJSON appends a value as people can read it.
func (k kind) appendJSON(dst, value []byte) []byte {
	switch k {
	case kindText:
		return appendJSONText(dst, string(content(value)))
	case kindPairs:
		return appendJSONPairs(dst, value)
	case kindID:
		return fmt.Appendf(dst, `"%016x"`, binary.LittleEndian.Uint64(value))
	case kindUint16:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint16(value)), 10)
	case kindUint32:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(value)), 10)
	case kindUint64:
		return strconv.AppendUint(dst, binary.LittleEndian.Uint64(value), 10)
	case kindFloat32:
		number := float64(math.Float32frombits(binary.LittleEndian.Uint32(value)))
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return append(dst, "null"...)
		}
		return strconv.AppendFloat(dst, number, 'g', -1, 32)
	case kindTime:
		at := time.UnixMilli(int64(binary.LittleEndian.Uint64(value))).UTC()
		return append(at.AppendFormat(append(dst, '"'), jsonTime), '"')
	}
	return append(dst, "null"...)
}

func appendJSONPairs(dst, value []byte) []byte {
	dst = append(dst, '{')
	first := true
	eachPair(value, func(key, text []byte) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendJSONText(dst, string(content(key))), ':')
		dst = appendJSONText(dst, string(content(text)))
	})
	return append(dst, '}')
}

// jsonTime is how times are written; any RFC 3339 time is read.
const jsonTime = "2006-01-02T15:04:05.000Z07:00"

// parseJSON reads a value that appendJSON, or a person, has written.
func (k kind) parseJSON(message json.RawMessage) (value []byte, err error) {
	switch k {
	case kindText:
		var text string
		if err := json.Unmarshal(message, &text); err != nil {
			return nil, fmt.Errorf("must be a text: %w", err)
		}
		return appendText(nil, text), nil
	case kindPairs:
		var texts map[string]string
		if err := json.Unmarshal(message, &texts); err != nil {
			return nil, fmt.Errorf("must be an object of texts: %w", err)
		}
		return appendPairs(nil, texts), nil
	case kindID:
		var text string
		if err := json.Unmarshal(message, &text); err == nil {
			value = appendID(nil, text)
		}
		if value == nil {
			return nil, fmt.Errorf("must be a text of %d lower-case hexadecimal characters, not %s", idCharacters, message)
		}
		return value, nil
	case kindFloat32:
		var number float32
		if err := json.Unmarshal(message, &number); err != nil {
			return nil, fmt.Errorf("must be a number: %w", err)
		}
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(number)), nil
	case kindTime:
		var at time.Time
		if err := json.Unmarshal(message, &at); err != nil {
			return nil, fmt.Errorf("must be a time such as 2026-01-31T23:59:59.999Z: %w", err)
		}
		return binary.LittleEndian.AppendUint64(nil, uint64(at.UnixMilli())), nil
	default:
		number, err := strconv.ParseUint(string(message), 10, 8*k.width())
		if err != nil {
			return nil, fmt.Errorf("must be a whole number below 2^%d, not %s", 8*k.width(), message)
		}
		return appendInteger(nil, k, number), nil
	}
}

// encodeJSON appends a row of which the values are written as JSON.
func encodeJSON(dst []byte, t table, number byte, values json.RawMessage) ([]byte, error) {
	var byName map[string]json.RawMessage
	if err := json.Unmarshal(values, &byName); err != nil {
		return nil, fmt.Errorf("read its values: %w", err)
	}
	if _, ok := byName[unreadableColumn]; ok {
		return nil, errors.New("this program could not read its bytes; the one that wrote it may")
	}
	start := len(dst)
	dst = append(dst, number, 0, 0, 0, 0)
	there := len(dst)
	dst = append(dst, make([]byte, bitmapBytes(len(t.columns)))...)
	for i, c := range t.columns {
		message, ok := byName[c.name]
		delete(byName, c.name)
		if !ok || string(message) == "null" {
			continue
		}
		value, err := c.typ.info().kind.parseJSON(message)
		if err != nil {
			return nil, fmt.Errorf("%s %w", c.name, err)
		}
		dst = append(dst, value...)
		dst[there+i/8] |= 1 << (i % 8)
	}
	for name := range byName {
		return nil, fmt.Errorf("table %s has no column %s", t.name, name)
	}
	binary.LittleEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-rowHeaderBytes))
	return dst, nil
}

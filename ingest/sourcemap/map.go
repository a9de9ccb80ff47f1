package sourcemap

import (
	"math"
	"strings"
)

// maxHeldBytes bounds the paths of a map's sources, which are held until it is
// known what stands before them.
const maxHeldBytes = 8 << 20

// mapReader reads a source map (ECMA-426, revision 3) and writes an index of it.
type mapReader struct {
	*document
	index *writer
	// end is the last segment of all sections so far.
	end segment
	any bool
}

// readMap reads a whole map. Beside what the standard allows, a byte order mark
// may stand before it.
func readMap(d *document, index *writer) error {
	m := &mapReader{document: d, index: index}
	if err := m.prefix(); err != nil {
		return err
	}
	if err := m.part(0, 0, false); err != nil {
		return err
	}
	return m.ends()
}

// prefix skips what stands before a map: a line that begins with )]}' keeps
// pages of other origins from running a map as a script.
func (m *mapReader) prefix() error {
	if c, err := m.peek(); err != nil {
		return err
	} else if c == 0xEF {
		if err := m.word("\xEF\xBB\xBF"); err != nil {
			return err
		}
	}
	if c, err := m.token(); err != nil || c != ')' {
		return err
	}
	if err := m.word(")]}'"); err != nil {
		return err
	}
	for {
		c, err := m.peek()
		if err != nil || c == '\n' {
			return err
		}
		m.pos++
	}
}

// part is a map without sections: a whole one or that of a section.
type part struct {
	*mapReader
	line, column int64 // where it begins in the script
	nested       bool
	seen         map[string]bool

	version            int64
	root               string
	sources            []string
	unnamed            []bool // of sources: null in the map
	heldBytes          int
	ignored            []int64
	sourcesAt, namesAt int64 // how many of earlier parts there are
	names              int64
	maxSource, maxName int64
}

// part reads a map that begins at a place of the script.
func (m *mapReader) part(line, column int64, nested bool) error {
	p := &part{
		mapReader: m, line: line, column: column, nested: nested, seen: map[string]bool{},
		sourcesAt: m.index.sources.count, namesAt: m.index.names.count, maxSource: none, maxName: none,
	}
	if err := m.object(p.member); err != nil {
		return err
	}
	return p.finish()
}

func (p *part) member(key string) error {
	var read func() error
	switch key {
	case "version":
		read = func() (err error) { p.version, err = p.integer(); return err }
	case "sourceRoot":
		read = func() (err error) { p.root, err = p.text(maxTextBytes); return err }
	case "sources":
		read = func() error { return p.array(p.source) }
	case "names":
		read = func() error { return p.array(p.name) }
	case "mappings":
		read = p.mappings
	case "sections":
		read = func() error { return p.array(p.section) }
	case "ignoreList", "x_google_ignoreList": // the second is the name it had before it was in the standard
		read = func() error { return p.array(p.ignore) }
	default:
		return p.skip() // sourcesContent above all
	}
	if p.seen[key] {
		return p.invalid("%s stands there twice", key)
	}
	p.seen[key] = true
	if p.nested && p.seen["sections"] {
		return p.invalid("sections within a section")
	}
	if p.seen["mappings"] && p.seen["sections"] {
		return p.invalid("a map has mappings or sections, not both")
	}
	if null, err := p.null(); err != nil || null && key != "mappings" && key != "sections" && key != "version" {
		return err
	} else if null {
		return p.invalid("%s is null", key)
	}
	return read()
}

func (p *part) source() error {
	null, err := p.null()
	text := ""
	if err == nil && !null {
		text, err = p.text(maxTextBytes)
	}
	if err != nil {
		return err
	}
	const headerBytes = 24 // of a text and its flag in memory
	if p.heldBytes += len(text) + headerBytes; p.heldBytes > maxHeldBytes {
		return p.invalid("sources: more than %d bytes", maxHeldBytes)
	}
	p.sources, p.unnamed = append(p.sources, text), append(p.unnamed, null)
	return nil
}

func (p *part) name() error {
	text, err := p.text(maxTextBytes)
	if err != nil {
		return err
	}
	p.names++
	return p.index.text(&p.index.names, text, 0)
}

func (p *part) ignore() error {
	n, err := p.integer()
	if err == nil && len(p.ignored) == maxTexts {
		err = p.invalid("ignoreList: more than %d sources", maxTexts)
	}
	p.ignored = append(p.ignored, n)
	return err
}

// mappings reads the segments, and moves them to where the part begins.
func (p *part) mappings() error {
	decoder := mappings{fault: p.invalid, maxSource: none, maxName: none}
	decoder.emit = func(s segment) error {
		if s.line == 0 {
			s.column += uint32(p.column)
		}
		s.line += uint32(p.line)
		if s.line > math.MaxInt32 || s.column > math.MaxInt32 {
			return p.invalid("mappings: a position beyond %d", math.MaxInt32)
		}
		if s.source != none {
			s.source += p.sourcesAt
		}
		if s.name != none {
			s.name += p.namesAt
		}
		if !p.any || !p.end.after(s.line, s.column) {
			p.end, p.any = s, true
		}
		return p.index.add(s)
	}
	if err := p.pieces(decoder.write); err != nil {
		return err
	}
	err := decoder.endSegment()
	p.maxSource, p.maxName = decoder.maxSource, decoder.maxName
	return err
}

// section reads a section of an index map: offset, then map.
func (p *part) section() error {
	line, column, mapped := int64(none), int64(none), false
	err := p.object(func(key string) (err error) {
		switch key {
		case "offset":
			line, column, err = p.offset()
		case "url":
			err = p.invalid("a section by url: maps are never fetched; upload one file with all of them")
		case "map":
			if line == none || mapped {
				return p.invalid("a section has one offset and then one map")
			}
			mapped = true
			err = p.mapReader.part(line, column, true)
		default:
			err = p.skip()
		}
		return err
	})
	if err == nil && !mapped {
		err = p.invalid("a section without a map")
	}
	return err
}

// offset reads where a section begins, which is behind the one before.
func (p *part) offset() (line, column int64, err error) {
	line, column = none, none
	err = p.object(func(key string) (err error) {
		switch key {
		case "line":
			line, err = p.integer()
		case "column":
			column, err = p.integer()
		default:
			err = p.skip()
		}
		return err
	})
	switch {
	case err != nil:
	case line < 0 || line > math.MaxInt32 || column < 0 || column > math.MaxInt32:
		err = p.invalid("a section's offset is a line and a column from 0 to %d", math.MaxInt32)
	case p.any && !(&segment{line: uint32(line), column: uint32(column)}).after(p.end.line, p.end.column):
		err = p.invalid("a section at line %d, column %d begins before the end of the one before it", line, column)
	}
	return line, column, err
}

// finish checks what can be checked only when everything has been read, and
// writes the sources.
func (p *part) finish() error {
	switch {
	case p.version != 3:
		return p.invalid("version is %d, and must be 3", p.version)
	case p.seen["sections"]:
		return nil
	case !p.seen["mappings"]:
		return p.invalid("a map without mappings")
	case p.maxSource >= int64(len(p.sources)):
		return p.invalid("mappings name source %d, and there are %d", p.maxSource, len(p.sources))
	case p.maxName >= p.names:
		return p.invalid("mappings name name %d, and there are %d", p.maxName, p.names)
	}
	flags := make([]uint32, len(p.sources))
	for _, number := range p.ignored {
		if number < 0 || number >= int64(len(flags)) {
			return p.invalid("ignoreList names source %d, and there are %d", number, len(flags))
		}
		flags[number] |= flagIgnored
	}
	for i, source := range p.sources {
		if p.unnamed[i] {
			flags[i] |= flagNull
		}
		if err := p.index.text(&p.index.sources, p.rooted(source), flags[i]); err != nil {
			return err
		}
	}
	return nil
}

// rooted puts sourceRoot before a source, unless it is absolute.
func (p *part) rooted(source string) string {
	if p.root == "" || strings.HasPrefix(source, "/") || strings.Contains(source, "://") {
		return source
	}
	return clean([]byte(strings.TrimSuffix(p.root, "/")+"/"+source), maxTextBytes)
}

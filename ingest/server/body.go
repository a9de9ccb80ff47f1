package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"

	"throughline/ingest"
	"throughline/ingest/admission"
)

// Almost every report fits these. More room than the first is not made before
// its bytes are there, since a client may announce many and send none; larger
// buffers than the second are not kept for the next report.
const (
	readyBufferBytes = 8 << 10
	keptBufferBytes  = 16 << 10
)

// body is the bytes of one report while it is under way, as they arrived and
// unpacked.
type body struct {
	account           *admission.Account
	arrived, unpacked buffer
}

// buffer is bytes, and how many of its capacity are counted in the account.
type buffer struct {
	bytes []byte
	held  int
}

// unpacker is a gzip reader with what it needs; it has some 50 KB.
type unpacker struct {
	from bytes.Reader
	gzip gzip.Reader
}

func (s *Server) newBody(account *admission.Account) *body {
	b := s.bodies.Get().(*body)
	b.account = account
	return b
}

func (s *Server) release(b *body) {
	b.account.Free(b.arrived.held + b.unpacked.held)
	*b = body{arrived: recycled(b.arrived), unpacked: recycled(b.unpacked)}
	s.bodies.Put(b)
}

func recycled(used buffer) buffer {
	if cap(used.bytes) > keptBufferBytes {
		return buffer{}
	}
	return buffer{bytes: used.bytes[:0]}
}

var (
	errTooLarge = errors.New("more than may be")
	// gzipMagic is how every gzip stream begins, and no JSON text.
	gzipMagic = []byte{0x1f, 0x8b}
)

// fill appends what reader has to a buffer, up to limit bytes in all.
func (b *body) fill(into *buffer, reader io.Reader, limit int) error {
	for {
		if err := b.makeRoom(into); err != nil {
			return err
		}
		had := len(into.bytes)
		n, err := reader.Read(into.bytes[had:min(cap(into.bytes), limit+1)])
		into.bytes = into.bytes[:had+n]
		switch {
		case len(into.bytes) > limit:
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// makeRoom grows a buffer that is full, and counts what it takes: also for a body
// of which nothing has come yet.
func (b *body) makeRoom(in *buffer) error {
	if size := len(in.bytes); size == cap(in.bytes) {
		in.bytes = append(make([]byte, 0, max(2*size, readyBufferBytes)), in.bytes...)
	}
	more := cap(in.bytes) - in.held
	if more == 0 {
		return nil
	}
	in.held += more
	return b.account.Hold(more)
}

// read reads the body of a request as it is sent.
func (b *body) read(w http.ResponseWriter, r *http.Request, app string, limit int) (err error) {
	err = b.fill(&b.arrived, r.Body, limit)
	var busy *admission.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &busy):
		return busy
	}
	// Nobody reads the rest.
	w.Header().Set(echo.HeaderConnection, "close")
	if errors.Is(err, errTooLarge) {
		return tooLarge(app)
	}
	return refuse(http.StatusBadRequest, app, ingest.RejectUnreadable, "body", "the body ended early")
}

func tooLarge(app string) error {
	return refuse(http.StatusRequestEntityTooLarge, app, ingest.RejectTooLarge, "body", "the body is larger than a report may be")
}

// encoding says whether a request's header calls the body gzip; it is an error
// when it calls it anything else.
func encoding(r *http.Request, app string) (packed bool, err error) {
	switch values := r.Header[echo.HeaderContentEncoding]; {
	case len(values) == 0:
		return false, nil
	case len(values) == 1:
		switch strings.ToLower(values[0]) {
		case "", "identity":
			return false, nil
		case "gzip", "x-gzip":
			return true, nil
		}
	}
	return false, unsupportedEncoding(app, "send the body as it is, or as gzip")
}

func unsupportedEncoding(app, detail string) error {
	return refuse(http.StatusUnsupportedMediaType, app, ingest.RejectEncoding, "content-encoding", detail)
}

// content is the report. Bodies that begin like gzip are unpacked whatever the
// header says: who sends from a page cannot set it without a preflight.
func (s *Server) content(b *body, packed bool, app string, limit int) ([]byte, error) {
	if !packed && !bytes.HasPrefix(b.arrived.bytes, gzipMagic) {
		return b.arrived.bytes, nil
	}
	u := s.unpackers.Get().(*unpacker)
	err := u.unpack(b, limit)
	s.unpackers.Put(u)
	var busy *admission.Refusal
	switch {
	case errors.As(err, &busy):
		return nil, busy
	case errors.Is(err, errTooLarge):
		return nil, tooLarge(app)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, refuse(http.StatusBadRequest, app, ingest.RejectCorrupt, "body", "the gzip data is cut off")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, app, ingest.RejectCorrupt, "body", "the body is not gzip, or is damaged")
	case bytes.HasPrefix(b.unpacked.bytes, gzipMagic):
		return nil, unsupportedEncoding(app, "pack the body once only")
	}
	return b.unpacked.bytes, nil
}

// unpack unpacks what has arrived, up to limit bytes.
func (u *unpacker) unpack(b *body, limit int) error {
	u.from.Reset(b.arrived.bytes)
	defer u.from.Reset(nil) // it must not keep the buffer
	// Member by member, since the reader takes one that breaks off in its header
	// for the end of the members before it.
	err := u.gzip.Reset(&u.from)
	for err == nil {
		u.gzip.Multistream(false)
		if err = b.fill(&b.unpacked, &u.gzip, limit); err != nil || u.from.Len() == 0 {
			break
		}
		err = u.gzip.Reset(&u.from)
	}
	return err
}

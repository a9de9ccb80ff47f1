package queue

import (
	"errors"
	"io"
	"io/fs"
	"time"
)

// blockBytes is how finely a file is read where a larger piece cannot be read.
const blockBytes = 4 << 10

// unreadByte stands in for a byte that cannot be read. No frame has the length
// that four of them make, and they are no reserved zeros.
const unreadByte = 0xff

// readAround reads like f.ReadAt, but around blocks that cannot be read: it
// fills them with unreadByte and tells of each. n is less than len(p) where the
// file ends.
func readAround(f file, p []byte, offset int64, unreadable func(from, to int, err error)) (n int, err error) {
	if n, err = f.ReadAt(p, offset); !unread(err) {
		return n, notEOF(err)
	}
	for n = 0; n < len(p); {
		end := min(len(p), n+blockBytes-int((offset+int64(n))%blockBytes))
		read, err := f.ReadAt(p[n:end], offset+int64(n))
		if !unread(err) && read < end-n {
			return n + read, notEOF(err)
		}
		if unread(err) {
			for i := n; i < end; i++ {
				p[i] = unreadByte
			}
			unreadable(n, end, err)
		}
		n = end
	}
	return n, nil
}

// unread says that the disk did not give what the file holds.
func unread(err error) bool {
	return err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, fs.ErrClosed)
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// defaultReadPause is the time between the attempts of a [patient].
const defaultReadPause = 200 * time.Millisecond

// patient is a file that is read where a failure costs more than what stands
// there: one that passes is waited for.
type patient struct {
	file
	pause time.Duration
}

func (p patient) ReadAt(b []byte, offset int64) (n int, err error) {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		if n, err = p.file.ReadAt(b, offset); !unread(err) || attempt == attempts {
			return n, err
		}
		time.Sleep(p.pause)
	}
}

// Bytes of a range that cannot be read are taken for lost after so many
// attempts over so long. Until then [Queue.Next] fails, and its caller tries again.
const (
	readAttempts = 5
	readPatience = 10 * time.Second
)

// doubt is a range that cannot be read, and may yet be.
type doubt struct {
	from      Position
	since     time.Time
	attempts  int
	lostBytes int64 // by the best of the attempts
}

// givesUp counts another attempt to read the range that begins there, which would
// lose so many bytes, and says whether to leave it at that. What fails only now
// besides the rest is given its time, too.
func (d *doubt) givesUp(from Position, lostBytes int64, now time.Time) bool {
	if d.attempts == 0 || d.from != from {
		*d = doubt{from: from, since: now, lostBytes: lostBytes}
	}
	d.attempts++
	switch {
	case d.attempts < readAttempts || now.Sub(d.since) < readPatience:
		d.lostBytes = min(d.lostBytes, lostBytes)
		return false
	case lostBytes > d.lostBytes:
		*d = doubt{from: from, since: now, attempts: 1, lostBytes: lostBytes}
		return false
	}
	return true
}

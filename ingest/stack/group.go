package stack

import "slices"

// maxPlaces is how many named functions, from the top, tell where an error
// came from: enough to look through a helper that many call, few enough not to
// tell apart the ways that lead to one fault.
const maxPlaces = 3

// Group returns the fingerprint of an error. It is equal for errors that a
// person would call the same: of one type, with a message of one shape, from
// one place. Errors of the same kind for which each browser has words of its
// own have one type and message.
//
//   - The shape of a message is its first line without numbers, ids, dates,
//     URLs and what is quoted. Numbers that are the name of an error, as the
//     status of an answer, stay.
//   - The place is the file of the topmost frame and the topmost named functions
//     with their files, of the frames that are in-app; if none is, of those that
//     are neither a library's nor an extension's; if none is, of all.
//     Frames that were waiting count only if no other is in-app, since not all
//     browsers tell of them. Origins, releases, hashes in names, lines and
//     columns do not count, and neither do names of one or two characters, which
//     a minifier gave.
//   - Of an error without a place, the name of the property, function or variable
//     that the browser quotes counts.
//
// The fingerprint is FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv)
// and the same for ever: any change to it parts the groups that people know. Only
// which frames are in-app may change, as the lists of [InApp] grow.
func Group(errorType, message string, frames []Frame) uint64 {
	m := readMessage(errorType, message)
	f := newFingerprint().text(m.errorType).text(m.shape)
	topFile, places := placesOf(frames)
	if m.dialect == stackOverflow {
		// Which function of the circle was one too many is chance.
		topFile = 0
		slices.Sort(places)
	}
	f = f.number(topFile)
	for _, p := range places {
		f = f.number(p)
	}
	if m.isNamed || topFile == 0 && len(places) == 0 {
		f = f.text(m.subject)
	}
	return uint64(f)
}

// placesOf returns fingerprints of the topmost file, 0 if there is none, and of
// the topmost different named functions.
func placesOf(frames []Frame) (topFile uint64, places []uint64) {
	wanted := chooseFrames(frames)
	for _, frame := range frames {
		if !wanted(frame) {
			continue
		}
		p := placeOf(frame)
		if topFile == 0 {
			topFile = p.file
		}
		if p.function == "" {
			continue
		}
		named := uint64(newFingerprint().text(p.function).number(p.file))
		if slices.Contains(places, named) {
			continue
		}
		if places = append(places, named); len(places) == maxPlaces {
			break
		}
	}
	return topFile, places
}

// chooseFrames says which frames tell the place, the best kind that there is.
// Code that is not in-app may be the app's yet, served from a domain of its own.
func chooseFrames(frames []Frame) (wanted func(Frame) bool) {
	inApp := func(f Frame) bool { return f.InApp }
	maybeOurs := func(f Frame) bool { return InApp(f.URL, "") }
	for _, kind := range []func(Frame) bool{inApp, maybeOurs} {
		running := func(f Frame) bool { return !f.Async && kind(f) }
		for _, wanted := range []func(Frame) bool{running, kind} {
			if slices.ContainsFunc(frames, wanted) {
				return wanted
			}
		}
	}
	return func(f Frame) bool { return f.URL != "" }
}

// fingerprint is a state of FNV-1a.
type fingerprint uint64

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func newFingerprint() fingerprint { return fnvOffset }

// text adds a text and its end, so that "ab", "c" differ from "a", "bc".
func (f fingerprint) text(text string) fingerprint {
	for i := range len(text) {
		f = (f ^ fingerprint(text[i])) * fnvPrime
	}
	return f * fnvPrime // as of a zero byte
}

func (f fingerprint) bytes(text []byte) uint64 {
	for _, b := range text {
		f = (f ^ fingerprint(b)) * fnvPrime
	}
	return uint64(f * fnvPrime)
}

func (f fingerprint) number(number uint64) fingerprint {
	for shift := 0; shift < 64; shift += 8 {
		f = (f ^ fingerprint(byte(number>>shift))) * fnvPrime
	}
	return f
}

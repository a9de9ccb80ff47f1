package generator

import (
	"math/rand/v2"
	"regexp/syntax"
	"strings"
)

// example returns a path that the expression matches, or is close to one that
// it does: anchors within it and word boundaries are not looked at.
func example(expression string, draw *rand.Rand) string {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return "/"
	}
	var path strings.Builder
	appendExample(&path, parsed, draw)
	if !strings.HasPrefix(path.String(), "/") {
		return "/" + path.String()
	}
	return path.String()
}

func appendExample(path *strings.Builder, r *syntax.Regexp, draw *rand.Rand) {
	times := 1
	switch r.Op {
	case syntax.OpLiteral:
		path.WriteString(string(r.Rune))
		return
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		path.WriteByte(letters[draw.IntN(len(letters))])
		return
	case syntax.OpCharClass:
		path.WriteRune(oneOf(r.Rune, draw))
		return
	case syntax.OpAlternate:
		appendExample(path, r.Sub[draw.IntN(len(r.Sub))], draw)
		return
	case syntax.OpStar, syntax.OpPlus:
		times = 6
	case syntax.OpRepeat:
		times = max(1, r.Min)
	}
	for range times {
		for _, sub := range r.Sub {
			appendExample(path, sub, draw)
		}
	}
}

// letters are what paths are written in.
const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"

// oneOf is a character of a class, given as pairs of bounds, if possible one
// that paths are written in.
func oneOf(class []rune, draw *rand.Rand) rune {
	within := func(c rune) bool {
		for i := 0; i+1 < len(class); i += 2 {
			if c >= class[i] && c <= class[i+1] {
				return true
			}
		}
		return false
	}
	first := draw.IntN(len(letters))
	for i := range len(letters) {
		if c := rune(letters[(first+i)%len(letters)]); within(c) {
			return c
		}
	}
	if len(class) > 0 {
		return class[0]
	}
	return 'a'
}

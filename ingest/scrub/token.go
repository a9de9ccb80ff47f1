package scrub

import "strings"

// tokenBytes is the least length of a word that may be a token by its looks.
const tokenBytes = 20

// tokenPrefixes begin the keys of well-known services.
const tokenPrefixes = " sk_live_ sk_test_ pk_live_ rk_live_ whsec_ ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xoxb- xoxp- xoxa- xoxr- xoxs- " +
	"AKIA ASIA AIza ya29 SG npm_ shpat_ hf_ sk-ant- sk-proj- dop_v1_ EAAC "

// token takes a word that is a token: by how it begins, by what stands before
// it, or by looking like noise.
func (p *scan) token(i, end, digits int) (next int, ok bool) {
	found := p.text[i:end]
	if isScheme(found) && end < len(p.text) && p.text[end] == ' ' {
		if to := p.opaque(end + 1); to-end > minCredential && looksOpaque(p.text[end+1:to]) {
			return p.take(end+1, to, placeToken), true
		}
	}
	switch {
	case strings.HasPrefix(found, "eyJ") && len(found) >= minCredential: // JSON in base64: a JWT
	case len(found) > minCredential && hasTokenPrefix(found):
	case len(found) >= tokenBytes && p.where != inName && isNoise(found, digits) && !p.namesFile(end):
	default:
		return 0, false
	}
	return p.take(i, p.opaque(i), placeToken), true
}

// minCredential is shorter than any token, and longer than most words.
const minCredential = 10

// isScheme says whether a word is that of an HTTP authentication scheme.
func isScheme(text string) bool {
	const longest = len("Bearer")
	if len(text) > longest {
		return false
	}
	switch strings.ToLower(text) {
	case "bearer", "basic", "token", "apikey", "digest":
		return true
	}
	return false
}

// opaque is the end of the characters of base64 and of JWTs from i on.
func (p *scan) opaque(i int) int {
	for i < len(p.text) {
		c := p.text[i]
		joins := (c == '.' || c == '/' && p.where != inPath) && i+1 < len(p.text) && class(p.text[i+1])&word != 0
		if class(c)&(word|dash) == 0 && c != '+' && c != '=' && c != '~' && !joins {
			break
		}
		i++
	}
	return i
}

// looksOpaque tells a credential from the next word of a sentence.
func looksOpaque(text string) bool {
	kinds := uint8(0)
	for i := range len(text) {
		kinds |= class(text[i])
		if i > 0 && class(text[i])&upper != 0 && class(text[i-1])&lower != 0 {
			kinds |= digit // as good as one
		}
	}
	return kinds&digit != 0 || strings.IndexByte(text, '=') >= 0
}

func hasTokenPrefix(text string) bool {
	for prefix := range strings.FieldsSeq(tokenPrefixes) {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// isNoise says whether a word changes between small and capital letters and
// digits so often that nobody has made it up: base64 does at six of ten
// characters, camelCase at two or three.
func isNoise(text string, digits int) bool {
	if digits < 2 {
		return false
	}
	changes, kinds := 0, uint8(0)
	before := uint8(0)
	for i := range len(text) {
		kind := class(text[i]) & (upper | lower | digit)
		if kind != 0 && before != 0 && kind != before {
			changes++
		}
		kinds |= kind
		before = kind
	}
	return kinds == upper|lower|digit && changes*10 >= len(text)*4 || digits >= leastIDDigits && changes*10 >= len(text)*5
}

// Extensions of files: those that builds make, whose names have hashes, and
// those of others that code comes from.
const (
	builtTypes = " js mjs cjs jsx ts tsx css map wasm vue svelte png jpg jpeg gif webp avif svg ico woff woff2 ttf otf mp4 webm "
	otherTypes = " html htm php xml txt json "
)

// hasExtension says whether a text ends like the name of a file of some types.
func hasExtension(text, types string) bool {
	dot := strings.LastIndexByte(text, '.')
	return dot >= 0 && dot+1 < len(text) && len(text)-dot <= len(".svelte") && strings.Contains(types, " "+strings.ToLower(text[dot+1:])+" ")
}

// namesFile says whether a word that ends at end goes on, over dots, to the
// extension of a file of a build: app.3f2a9c1b.min.js.
func (p *scan) namesFile(end int) bool {
	to := end
	const longest = 64
	for to < len(p.text) && to-end < longest && (class(p.text[to])&(word|dash) != 0 || p.text[to] == '.') {
		to++
	}
	return to > end && hasExtension(p.text[end:to], builtTypes)
}

package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// files are the console's page and what it loads.
type files struct {
	index  file
	assets map[string]file // by the name they are served under, which holds their hash
	build  string          // changes with any of them
}

// file is served with an ETag of its content, since embedded files have no
// time of change that a browser could ask about.
type file struct {
	name, etag, caching string
	content             []byte
}

// ServeHTTP implements http.Handler.
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", f.etag)
	w.Header().Set("Cache-Control", f.caching)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.content))
}

// loadFiles prepares the embedded files. They are part of the program, so
// that one which is not there or not sound is a fault of the program.
func loadFiles(options Options) files {
	loaded := files{assets: map[string]file{}}
	served := map[string]string{} // from file name to the name it is served under
	all := sha256.New()
	for _, name := range []string{"console.css", "console.js", "icon.svg"} {
		content := must(fs.ReadFile(static, "static/"+name))
		_, _ = all.Write(content) // a hash takes everything
		ext := path.Ext(name)
		served[name] = strings.TrimSuffix(name, ext) + "-" + digest(content) + ext
		loaded.assets[served[name]] = file{name, `"` + digest(content) + `"`, "public, max-age=31536000, immutable", content}
	}
	source := must(fs.ReadFile(static, "static/index.html"))
	_, _ = all.Write(source)
	loaded.build = hex.EncodeToString(all.Sum(nil)[:8])

	page := template.Must(template.New("index").Parse(string(source)))
	var out bytes.Buffer
	if err := page.Execute(&out, map[string]any{"Assets": served, "Build": loaded.build, "Links": options.Links}); err != nil {
		panic(err)
	}
	loaded.index = file{"index.html", `"` + digest(out.Bytes()) + `"`, "no-cache", out.Bytes()}
	return loaded
}

func must(content []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return content
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

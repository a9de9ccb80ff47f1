package evidence

import (
	"html/template"
	"strings"
)

// index is the page that shows the evidence of a run. It holds no script and loads
// nothing from elsewhere.
var index = template.Must(template.New(indexName).Funcs(template.FuncMap{
	"film":    func(name string) bool { return strings.HasPrefix(name, "film-") },
	"picture": func(contentType string) bool { return strings.HasPrefix(contentType, "image/") },
	"number":  func(step int) int { return step + 1 },
}).Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self'; style-src 'unsafe-inline'">
<title>{{.Journey}}: {{.Outcome}}</title>
<style>body { font: 1rem/1.4 system-ui, sans-serif; margin: 2rem } img { max-width: 100%; border: 1px solid #999 } figure { margin: 1rem 0 } figure.film { display: inline-block; margin: .25rem }</style>
<h1>{{.Journey}}: {{.Outcome}}</h1>
<p>Run {{.RunID}} from {{.Location}}, begun {{.Started.Format "2006-01-02 15:04:05 UTC"}}.</p>
<ul>{{range .Artifacts}}{{if not (picture .ContentType)}}
<li><a href="{{.Name}}">{{.Name}}</a>, {{.Bytes}} bytes</li>{{end}}{{end}}
</ul>
{{range .Artifacts}}{{if picture .ContentType}}<figure{{if film .Name}} class="film"{{end}}><figcaption>{{.Name}}{{if ge .Step 0}}, step {{number .Step}}{{end}}</figcaption><img src="{{.Name}}" alt="{{.Name}}"></figure>
{{end}}{{end}}</html>
`))

//go:build linux

package chrome

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// newSite serves the pages that the tests go through.
func newSite(t testing.TB) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for path, body := range sitePages() {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><title>%s</title><body>%s", strings.Trim(path, "/{$}"), body)
		})
	}
	release := make(chan struct{})
	mux.HandleFunc("GET /never.png", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("GET /cookie", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		_, err := r.Cookie("seen")
		fmt.Fprintf(w, "<title>%t</title>", err == nil)
	})
	mux.HandleFunc("GET /agent", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<title>%s|%s</title>", r.UserAgent(), r.Header.Get("Accept-Language"))
	})
	mux.HandleFunc("GET /download", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="x.bin"`)
		w.Write([]byte("x"))
	})
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, "<h1>broken</h1>")
	})
	mux.HandleFunc("GET /redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/", http.StatusFound)
	})
	site := httptest.NewServer(mux)
	t.Cleanup(func() { close(release); site.CloseClientConnections(); site.Close() })
	return site
}

func sitePages() map[string]string {
	return map[string]string{
		"/{$}": `<h1>Shop</h1>
			<form action="/results"><input id=q name=q placeholder=Search aria-label="Search the shop"><button>Find</button></form>
			<a href="/results?q=all">All things</a> <a href="/broken">Broken</a>`,
		"/results": `<h1>Results</h1><ul><li class=result>Blue mug<li class=result>Red mug</ul>
			<button onclick="this.textContent='In the cart';history.pushState({},'','/cart')"><span>Add</span> to cart</button>`,
		"/slow":  `<h1>Slow</h1><img src="/never.png">`,
		"/busy":  `<h1>Busy</h1><img src="/never.png"><script>setInterval(() => fetch("/?again"), 200)</script>`,
		"/alert": `<script>alert("on load")</script><button onclick="document.title = confirm('sure?')">Ask</button>`,
		"/fields": `<input id=empty><input id=full value="old text"><input id=part value="abc"><input id=mail type=email value="a@b.c">
			<textarea id=area>old</textarea><div id=edit contenteditable>old</div>
			<select id=pick><option value=a>A<option value=b>B</select><input id=color type=color><input id=box type=checkbox>
			<input id=fixed readonly value=x>
			<script>let log=[];for(const type of ['input','change'])addEventListener(type,(e)=>log.push(type+':'+e.target.id),true);
			addEventListener('keydown',(e)=>log.push('key:'+e.key+(e.ctrlKey?'+ctrl':'')),true)</script>`,
		"/shadow": `<my-host></my-host><script>
			const outer=document.querySelector('my-host').attachShadow({mode:'open'});
			outer.innerHTML='<inner-host></inner-host>';
			const inner=outer.querySelector('inner-host').attachShadow({mode:'open'});
			inner.innerHTML='<button id=deep>Deep</button>';
			inner.querySelector('button').onclick=()=>document.title='deep clicked'</script>`,
		"/obstacles": `<button id=off disabled>Off</button><button id=gone style="display:none">Gone</button>
			<div style="position:relative"><button id=under>Under</button><div id=veil class=modal style="position:absolute;inset:0"></div></div>
			<button id=late disabled>Late</button>
			<label><input id=styled type=checkbox style="opacity:0"> <span>Styled</span></label>
			<button id=far style="position:absolute;top:4000px" onclick="document.title='far'">Far</button>
			<script>setTimeout(()=>late.disabled=false,300);late.onclick=()=>document.title='late'</script>`,
		"/buttons": `<div id=area style="width:200px;height:100px;background:#ccc">area</div><script>
			for(const type of ['click','auxclick','contextmenu','touchstart'])area.addEventListener(type,(e)=>{
			e.preventDefault();document.title=[type,e.button,e.offsetX,e.offsetY].join(' ')})</script>`,
		"/popups": `<a href="/popup" target=_blank>Blank</a> <button onclick="window.open('/popup')">Open</button>
			<button onclick="setInterval(()=>window.open('/popup'),10)">Flood</button>`,
		"/popup":     `<h1>Popup</h1>`,
		"/alerts":    `<script>let n=0;setTimeout(()=>{while(n<50)alert('spam '+n++)})</script>`,
		"/clobbered": `<form onclick="document.title='clobbered'"><p>Pay now</p>` + strings.Join(clobbered(), "") + `</form>`,
		"/hang":      `<button onclick="for(;;){}">Hang</button>`,
		"/unload":    `<h1>Leave</h1><input><script>addEventListener('beforeunload',(e)=>e.preventDefault())</script>`,
	}
}

// clobbered are form controls named like what is read of elements.
func clobbered() []string {
	var controls []string
	for _, name := range []string{
		"children", "childNodes", "nodeType", "nodeName", "localName", "id", "matches", "classList", "labels",
		"getClientRects", "getBoundingClientRect", "isConnected", "parentElement", "getRootNode", "shadowRoot",
		"assignedSlot", "querySelectorAll", "scrollIntoView", "getAttribute",
	} {
		controls = append(controls, "<input name="+name+">")
	}
	return controls
}

// eventually fails the test when a condition does not come true in time.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

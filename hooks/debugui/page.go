package debugui

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

// The page is one document: the style and the script stand in it, and the
// browser is told to take them from nowhere else. State is the pool at the time
// of the request, so that the first glance needs no second request.
const statePlace = "{{state}}"

var (
	pageStart, pageEnd = split(strings.NewReplacer("{{css}}", pageCSS, "{{js}}", pageJS).Replace(pageHTML))

	policy = "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"style-src '" + digest(pageCSS) + "'; script-src '" + digest(pageJS) + "'"
)

func split(page string) (start, end string) {
	start, end, found := strings.Cut(page, statePlace)
	if !found {
		panic("debugui: the page has no place for the state")
	}
	return start, end
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// serve is the one address of the UI: a GET shows, a POST controls.
func (u *UI) serve(w http.ResponseWriter, r *http.Request) {
	writeHeaders(w)
	h := w.Header()
	pool, refusal := u.pool.Load(), u.misdirected(r)
	switch {
	case pool == nil && refusal == "":
		http.Error(w, "the pool has not started", http.StatusServiceUnavailable)
		return
	case refusal != "" && r.Method == http.MethodPost:
		reply(w, http.StatusForbidden, refusal)
		return
	case refusal != "":
		http.Error(w, refusal, http.StatusForbidden)
		return
	case r.Method == http.MethodPost:
		u.control(w, r, pool)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD, POST")
		http.Error(w, "GET shows the pool, POST controls it", http.StatusMethodNotAllowed)
		return
	}
	since, _ := strconv.ParseUint(r.URL.Query().Get("since"), 10, 64) // 0: everything
	var body []byte
	switch v := u.look(pool, since); format(r) {
	case "html":
		h.Set("Content-Type", "text/html; charset=utf-8")
		body = page(v)
	case "json":
		h.Set("Content-Type", "application/json")
		body = encode(v)
	case "text":
		h.Set("Content-Type", "text/plain; charset=utf-8")
		body = []byte(v.String())
	default:
		http.Error(w, "format is html, json or text", http.StatusBadRequest)
		return
	}
	_, _ = w.Write(body) // the client has gone: nothing to do about it
}

// writeHeaders keeps answers out of caches, frames and referrers, and the browser
// from taking anything from elsewhere.
func writeHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy)
	h.Set("Vary", "Accept")
}

// format is what the request asks for, or what its sender is likely to read.
func format(r *http.Request) string {
	if f := r.URL.Query().Get("format"); f != "" {
		return f
	}
	accept := r.Header.Get("Accept")
	switch {
	case strings.Contains(accept, "text/html"):
		return "html"
	case strings.Contains(accept, "application/json"):
		return "json"
	}
	return "text"
}

func page(v View) []byte {
	var b bytes.Buffer
	b.WriteString(pageStart)
	b.Write(encode(v)) // < and > are escaped in it: it cannot end its element
	b.WriteString(pageEnd)
	return b.Bytes()
}

func encode(v View) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // a View has nothing that could fail
	}
	return body
}

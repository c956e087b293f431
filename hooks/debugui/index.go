package debugui

import (
	"bytes"
	"cmp"
	_ "embed" // the index
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
)

//go:embed page/index.html
var indexHTML string

var indexPage = template.Must(template.New("index").Parse(strings.Replace(indexHTML, "{{css}}", pageCSS, 1)))

// Pools is the JSON of an index.
type Pools struct {
	Pools   []Entry `json:"pools"`
	Process Process `json:"process"` // that has them
}

// Entry is one pool of an index.
type Entry struct {
	Name     string   `json:"name"`
	URL      string   `json:"url"`   // of its page, relative to the index
	Level    string   `json:"level"` // as in Status; empty before its pool has started
	Reasons  []string `json:"reasons"`
	InUse    int      `json:"in_use"`
	MaxConns int      `json:"max_conns"`
	Waiting  int      `json:"waiting"`
	Leaks    int      `json:"leaks"`
}

// gravity orders levels, the worst last.
var gravity = map[string]int{Starting: 1, Paused: 2, Degraded: 3, Closed: 4, Unhealthy: 5}

// Index returns one handler for the pages of several pools: at its own address a
// list of them with their states, the worst first, and below it each pool's page
// under the pool's name. Mount it on a path that ends in a slash, as
// http.Handle("/debug/sqlpool/", debugui.Index(orders, audit)). With a single UI it
// is that UI's Handler. Pools of one name are numbered in their order here.
func Index(pages ...*UI) http.Handler {
	if len(pages) == 1 {
		return pages[0].Handler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names := namesOf(pages)
		escaped := r.URL.EscapedPath()                  // a name may have a slash in it
		last, _ := url.PathUnescape(path.Base(escaped)) // the name of no pool, if it cannot be read
		for i, u := range pages {
			if names[i] != last {
				continue
			}
			if !strings.HasSuffix(escaped, "/") { // relative addresses in the page want it
				// http.Redirect would put the path without its escapes before it.
				w.Header().Set("Location", addressOf(last))
				w.WriteHeader(http.StatusMovedPermanently)
				return
			}
			u.serve(w, r)
			return
		}
		serveIndex(w, r, pages, names)
	})
}

// addressOf is where a pool's page is, relative to the index. A colon is escaped too: what
// stands before one would be a scheme.
func addressOf(name string) string {
	return strings.ReplaceAll(url.PathEscape(name), ":", "%3A") + "/"
}

// namesOf are the pools' names, as far as they have started, each once.
func namesOf(pages []*UI) []string {
	names, seen := make([]string, len(pages)), map[string]int{}
	for i, u := range pages {
		name := fmt.Sprint("pool-", i+1)
		if pool := u.pool.Load(); pool != nil {
			name = cmp.Or(pool.Name(), name)
		}
		seen[name]++
		if n := seen[name]; n > 1 {
			name = fmt.Sprint(name, "-", n)
		}
		names[i] = name
	}
	return names
}

func serveIndex(w http.ResponseWriter, r *http.Request, pages []*UI, names []string) {
	writeHeaders(w)
	for _, u := range pages {
		if refusal := u.misdirected(r); refusal != "" {
			http.Error(w, refusal, http.StatusForbidden)
			return
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this is a list of pools: each has a page of its own below it", http.StatusMethodNotAllowed)
		return
	}
	all := Pools{Pools: make([]Entry, len(pages)), Process: process()}
	for i, u := range pages {
		all.Pools[i] = u.entry(names[i])
	}
	slices.SortStableFunc(all.Pools, func(a, b Entry) int { return cmp.Compare(gravity[b.Level], gravity[a.Level]) })
	var body bytes.Buffer
	var err error
	switch format(r) {
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		err = indexPage.Execute(&body, all)
	case "json":
		w.Header().Set("Content-Type", "application/json")
		err = json.NewEncoder(&body).Encode(all)
	case "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		body.WriteString(all.String())
	default:
		http.Error(w, "format is html, json or text", http.StatusBadRequest)
		return
	}
	if err != nil {
		panic(err) // into memory, of values that cannot fail
	}
	_, _ = w.Write(body.Bytes()) // the client has gone: nothing to do about it
}

// entry is what the index says of a pool.
func (u *UI) entry(name string) Entry {
	e := Entry{Name: name, URL: addressOf(name), Reasons: []string{}}
	pool := u.pool.Load()
	if pool == nil {
		e.Reasons = append(e.Reasons, "the pool has not started")
		return e
	}
	s := pool.Snapshot()
	u.mu.Lock()
	since := u.seen.stateAt
	u.mu.Unlock()
	st := u.status(s, since)
	e.Level, e.Reasons = st.Level, st.Reasons
	e.InUse, e.MaxConns, e.Waiting = s.InUse, s.MaxConns, s.Waiting
	if u.cfg.Leaks != nil {
		e.Leaks = u.cfg.Leaks.Leaks()
	}
	return e
}

// String is the list as plain text, for a terminal.
func (p Pools) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, e := range p.Pools {
		fmt.Fprintf(w, "%s\t%s\t%d of %d in use\t%s\t%s\n", e.Name, cmp.Or(e.Level, "not started"), e.InUse, e.MaxConns,
			plural(uint64(e.Waiting), "acquire waits", "acquires wait"), strings.Join(e.Reasons, "; "))
	}
	_ = w.Flush() // into memory
	return b.String() + "\nEach pool has its page below this one: add its name and a slash to the address, with %2F for a slash in the name.\n" + p.Process.String() + "\n"
}

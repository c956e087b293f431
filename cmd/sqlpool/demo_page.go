package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/sqlpool/go/hooks/debugui"
)

// pageAt is where a demo's page is mounted, as a program would mount it.
const pageAt = "/debug/sqlpool/"

// demoPage is the live page of whatever pool is on the stage.
type demoPage struct {
	url    string
	server *http.Server
	now    atomic.Pointer[http.Handler]
}

// openPage serves at the address from now on.
func openPage(address string) (*demoPage, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--page: %w", err)
	}
	p := &demoPage{url: "http://" + listener.Addr().String() + pageAt}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler(pageAt, http.StatusSeeOther))
	mux.HandleFunc(pageAt, func(w http.ResponseWriter, r *http.Request) {
		if h := p.now.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		w.Header().Set("Refresh", "1") // a browser tries again by itself
		http.Error(w, "The demo is being set up.", http.StatusServiceUnavailable)
	})
	p.server = &http.Server{Handler: mux}
	go func() {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // a listener of our own that breaks
		}
	}()
	return p, nil
}

// show puts another pool on the page.
func (p *demoPage) show(ui *debugui.UI) {
	h := ui.Handler()
	p.now.Store(&h)
}

func (p *demoPage) close() { _ = p.server.Close() }

package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sqlpool/go/sqlpool"
)

// watchRules: what the On hooks see.
var watchRules = []Rule{
	{
		ID:     "HOOK-01",
		Rule:   "hooks see a connection's life in order: connect, open, before acquire, acquire, after release, release, close",
		Why:    "a policy that sets up in one moment and reads in the next would find nothing",
		Source: "this pool: Hooks, read from top to bottom",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			var seen list[string]
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{{
				AfterConnect:  func(context.Context, *sqlpool.Conn) error { seen.add("AfterConnect"); return nil },
				BeforeAcquire: func(context.Context, *sqlpool.Conn) error { seen.add("BeforeAcquire"); return nil },
				AfterRelease:  func(sqlpool.Releasing) error { seen.add("AfterRelease"); return nil },
				OnOpen:        func(sqlpool.Opened) { seen.add("OnOpen") },
				OnAcquire:     func(sqlpool.Acquired) { seen.add("OnAcquire") },
				OnRelease:     func(sqlpool.Released) { seen.add("OnRelease") },
				OnClose:       func(sqlpool.Closed) { seen.add("OnClose") },
			}}})
			x.use("a statement", s.DB)
			x.settle(s)
			x.must("closing", s.Close())
			want := "AfterConnect OnOpen BeforeAcquire OnAcquire AfterRelease OnRelease OnClose"
			if got := strings.Join(seen.all(), " "); got != want {
				x.errorf("one statement and the close were seen as\n  %s\nnot as\n  %s", got, want)
			}
		},
	},
	{
		ID:     "HOOK-02",
		Rule:   "each loan is seen to begin once and to end once, whatever it was used for",
		Why:    "a leak detector would report connections that are long back, or miss those that are not",
		Source: "this pool: OnAcquire, OnRelease",
		needs:  []Need{NeedPool, NeedFail},
		check: func(x *trial) {
			var seen list[string]
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{{
				OnAcquire: func(e sqlpool.Acquired) { seen.add(fmt.Sprint("+", e.Conn.ID())) },
				OnRelease: func(e sqlpool.Released) { seen.add(fmt.Sprint("-", e.Conn.ID())) },
			}}})
			loans := x.everyUse(s)
			x.settle(s)
			events := seen.all()
			if len(events) != 2*loans {
				x.errorf("%d uses were seen as %v", loans, events)
			}
			for i := 0; i+1 < len(events); i += 2 {
				if events[i][0] != '+' || events[i+1] != "-"+events[i][1:] {
					x.fatalf("loan %d was seen as %s %s", i/2+1, events[i], events[i+1])
				}
			}
		},
	},
	{
		ID:     "HOOK-03",
		Rule:   "each connection that was seen to open is seen to close once, with a reason",
		Why:    "a gauge built on the two would drift, and the reasons of closes would not be known",
		Source: "this pool: OnOpen, OnClose, Closed.Reason",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			var opened, closed list[uint64]
			s := x.open(Settings{MaxConns: 3, Hooks: []sqlpool.Hooks{{
				OnOpen: func(e sqlpool.Opened) {
					if e.Conn != nil {
						opened.add(e.Conn.ID())
					}
				},
				OnClose: func(e sqlpool.Closed) {
					closed.add(e.Conn.ID())
					if e.Reason == nil || sqlpool.ReasonCode(e.Reason) == "" {
						x.errorf("connection %d was closed for the reason %v", e.Conn.ID(), e.Reason)
					}
				},
			}}})
			for range 3 {
				x.must("Retire", x.acquire(s).Retire(nil))
				x.must("Retire", x.acquire(s).Retire(errHook))
			}
			x.fill(s, 3)
			x.must("closing", s.Close())
			o, c := opened.all(), closed.all()
			slices.Sort(o)
			slices.Sort(c)
			if !slices.Equal(o, c) || len(o) < 9 {
				x.errorf("opened: %v; closed: %v", o, c)
			}
		},
	},
}

// everyUse borrows a connection in each way that package sql has, and returns
// how many loans that was.
func (x *trial) everyUse(s *Subject) (loans int) {
	for _, use := range x.uses() {
		use.do(s.DB)
		loans++
	}
	return loans
}

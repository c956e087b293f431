package fakedb

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fault says which calls are befallen and by what. The zero Fault befalls every call, with nothing.
//
// What happens, in this order: Delay, Hang, Kill, Panic, Err. With none of the last two the call then goes on.
type Fault struct {
	Conn  int64  // only calls on this connection; 0: all
	Text  string // only calls whose text starts so
	Skip  int    // so many matching calls pass first: Skip 4, Times 1 is the fifth call
	Times int    // then so many are befallen; 0: all

	Delay time.Duration // latency, cut short by the context (the call returns its error) and by Abort
	Deaf  bool          // Delay pays no heed to the context
	Hang  Hang          // blocks
	Kill  bool          // the connection is dead afterwards, also when Delay or Hang was cut short
	Panic any           // panics with this value
	Err   error         // returned; at IsValid it means false
	Stage Stage         // where in the call all this happens
}

// Hang says what ends a hanging call. Each kind includes those after it. A hanging Connect has no connection to abort,
// a hanging Abort none but itself: there UntilAbort is UntilReleased.
type Hang uint8

const (
	NoHang        Hang = iota // it does not hang
	UntilDone                 // the context, [Conn.Abort] or the death of the connection, [Rule.Release]
	UntilAbort                // Abort or death, Release: a driver deaf to its context
	UntilReleased             // Release only: nothing the pool can do helps
)

// Stage is where in a call a fault strikes. It makes a difference only for methods that reach the server.
type Stage uint8

const (
	AfterSend   Stage = iota // sent, but the server does not do it: an error it replies, or a slow server
	BeforeSend               // nothing leaves: Sent does not change
	AfterEffect              // the server has done it, its reply is late or lost
)

// Rule is an installed fault or script. Its methods may be called at any time from any goroutine.
type Rule struct {
	db      *DB
	point   Point
	fault   Fault
	script  func(Call) Fault // nil: fault at point
	seen    [points]atomic.Int64
	hits    atomic.Int64
	waiting atomic.Int64
	once    sync.Once
	release chan struct{} // closed by Release
}

// On installs a fault at a point. Rules are tried in the order of their installation and the first that befalls a
// call is the only one, except that faults with nothing but a Delay let the search go on, and add up.
func (db *DB) On(p Point, f Fault) *Rule {
	return db.install(&Rule{point: p, fault: f})
}

// Script installs a function that decides for every call at every point; the zero Fault means: try the next rule.
// The fields of its Fault that select calls (Conn, Text, Skip, Times) have no effect. It may be called from several
// goroutines at once, and must not block.
func (db *DB) Script(f func(Call) Fault) *Rule {
	return db.install(&Rule{script: f})
}

// Remove uninstalls the rule. Calls that hang because of it go on hanging: see Release.
func (r *Rule) Remove() {
	r.db.edit(func(rules []*Rule) []*Rule {
		kept := make([]*Rule, 0, len(rules))
		for _, other := range rules {
			if other != r {
				kept = append(kept, other)
			}
		}
		return kept
	})
}

// Release ends this rule's hangs, the present and the future ones. What else the fault says still happens.
func (r *Rule) Release() { r.once.Do(func() { close(r.release) }) }

// Hits is how many calls the rule has befallen.
func (r *Rule) Hits() int { return int(r.hits.Load()) }

// Waiting is how many calls are in this rule's Delay or Hang now.
func (r *Rule) Waiting() int { return int(r.waiting.Load()) }

// Clear uninstalls all rules.
func (db *DB) Clear() { db.edit(func([]*Rule) []*Rule { return nil }) }

func (db *DB) install(r *Rule) *Rule {
	r.db, r.release = db, make(chan struct{})
	db.edit(func(rules []*Rule) []*Rule { return append(rules[:len(rules):len(rules)], r) })
	return r
}

// edit replaces the list of rules; readers of the old list are not disturbed.
func (db *DB) edit(change func([]*Rule) []*Rule) {
	db.mu.Lock()
	defer db.mu.Unlock()
	var rules []*Rule
	if p := db.rules.Load(); p != nil {
		rules = *p
	}
	if rules = change(rules); len(rules) == 0 {
		db.rules.Store(nil) // the fast path of unscripted calls
	} else {
		db.rules.Store(&rules)
	}
}

// match says what the rule has in store for the call.
func (r *Rule) match(call Call) (Fault, bool) {
	if r.script != nil {
		call.N = int(r.seen[call.Point].Add(1))
		f := r.script(call)
		if f.idle() && f.Delay == 0 {
			return f, false
		}
		r.hits.Add(1)
		return f, true
	}
	f := r.fault
	if r.point != call.Point || f.Conn != 0 && f.Conn != call.Conn || !strings.HasPrefix(call.Text, f.Text) {
		return f, false
	}
	n := int(r.seen[call.Point].Add(1))
	if n <= f.Skip || f.Times > 0 && n > f.Skip+f.Times {
		return f, false
	}
	r.hits.Add(1)
	return f, true
}

// idle says that the fault does nothing, or nothing but a Delay.
func (f *Fault) idle() bool {
	return f.Hang == NoHang && !f.Kill && f.Panic == nil && f.Err == nil
}

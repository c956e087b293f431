package stmts

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// conn stands for a physical connection.
type conn struct {
	name  string
	cache Cache[*conn]
}

// stmt is a driver's statement.
type stmt struct {
	driver.Stmt
	closed int
	err    error // of Close
}

func (s *stmt) Close() error {
	s.closed++
	return s.err
}

// serverError is one with an SQLSTATE.
type serverError string

func (e serverError) Error() string    { return string(e) }
func (e serverError) SQLState() string { return string(e) }

func none(*Source[*conn]) bool { return false }

func TestASourceEndsWithItsLastStatement(t *testing.T) {
	var all Sources[*conn]
	c := &conn{name: "c"}
	first, _ := all.Join("q", false, none)
	again, _ := all.Join("q", true, none) // by another session
	if first != again {
		t.Error("one *sql.Stmt has two sources")
	}
	prepared := &stmt{}
	c.cache.Hold(first, prepared)
	all.HeldOn(first, c)
	all.HeldOn(first, c) // once is enough
	if ended, conns := all.Leave(first, false); ended || conns != nil {
		t.Errorf("it ended with the first of two: %v", conns)
	}
	if c.cache.Collect(all.Ended()) {
		t.Error("something waits to be closed although nothing has ended")
	}
	if ended, conns := all.Leave(first, false); !ended || !slices.Equal(conns, []*conn{c}) {
		t.Errorf("ended %v, on %v", ended, conns)
	}
	if !c.cache.Collect(all.Ended()) || c.cache.Held(first) != nil {
		t.Error("a statement of a source that has ended is still held")
	}
	if err := c.cache.CloseGone(""); err != nil || prepared.closed != 1 {
		t.Errorf("%v, closed %d times", err, prepared.closed)
	}
}

func TestAStatementPreparedAnewHasASourceOfItsOwn(t *testing.T) {
	var all Sources[*conn]
	first, _ := all.Join("q", false, none)
	second, _ := all.Join("q", false, none) // another *sql.Stmt
	third, _ := all.Join("q", true, func(src *Source[*conn]) bool { return src == second })
	if first == second || second == third {
		t.Error("two *sql.Stmts share a source")
	}
}

func TestASourceIsKeptUntilItsTextComesFromElsewhere(t *testing.T) {
	for what, end := range map[string]func(*Sources[*conn]) []*conn{
		"a query": func(all *Sources[*conn]) []*conn { return all.EndKept("q") },
		"a new *sql.Stmt": func(all *Sources[*conn]) []*conn {
			_, ended := all.Join("q", false, none)
			return ended
		},
		"too many others": func(all *Sources[*conn]) (ended []*conn) {
			for i := range mostKept {
				src, _ := all.Join(fmt.Sprint(i), false, none)
				_, conns := all.Leave(src, true)
				ended = append(ended, conns...)
			}
			return ended
		},
	} {
		var all Sources[*conn]
		c := &conn{}
		src, _ := all.Join("q", false, none)
		all.HeldOn(src, c)
		if ended, _ := all.Leave(src, true); ended {
			t.Fatalf("%s: it was not kept", what)
		}
		if again, _ := all.Join("q", true, none); again != src {
			t.Errorf("%s: the next session got another source", what)
		}
		all.Leave(src, true)
		if other := all.EndKept("r"); other != nil {
			t.Errorf("%s: another text ended it", what)
		}
		if got := end(&all); !slices.Equal(got, []*conn{c}) || !src.ended.Load() {
			t.Errorf("%s: ended on %v", what, got)
		}
	}
}

func TestAConnectionThatIsClosedIsForgotten(t *testing.T) {
	var all Sources[*conn]
	a, b := &conn{name: "a"}, &conn{name: "b"}
	src, _ := all.Join("q", false, none)
	for _, c := range []*conn{a, b} {
		c.cache.Hold(src, &stmt{})
		all.HeldOn(src, c)
	}
	all.Closed(a, &a.cache)
	if _, conns := all.Leave(src, false); !slices.Equal(conns, []*conn{b}) {
		t.Errorf("ended on %v", conns)
	}
}

func TestTheTextsUsedLastStay(t *testing.T) {
	var c Cache[*conn]
	for i := range mostCached {
		c.Add(fmt.Sprint(i), &stmt{})
	}
	if c.Get("0") == nil { // and so it is used last
		t.Fatal("the first is gone")
	}
	c.Add("new", &stmt{})
	if c.Get("0") == nil || c.Get("new") == nil || c.Get("1") != nil {
		t.Error("another than the one used least has gone")
	}
	if !c.Collect(0) {
		t.Error("what has gone is not closed")
	}
	c.Forget(nil, "0")
	c.Forget(nil, "no such text")
	if c.Get("0") != nil || len(c.gone) != 2 {
		t.Errorf("%d wait to be closed", len(c.gone))
	}
}

func TestOnlyAnErrorOfTheConnectionEndsTheClosing(t *testing.T) {
	for _, tt := range []struct {
		what  string
		err   error
		fails bool
		stays bool
	}{
		{"closed", nil, false, false},
		{"forgotten by the server", serverError("26000"), false, false},
		{"rows are open", errors.New("busy"), false, true},
		{"the connection is broken", driver.ErrBadConn, true, false},
		{"the server ends the session", serverError("57P01"), true, false},
	} {
		var c Cache[*conn]
		bad, next := &stmt{err: tt.err}, &stmt{}
		for _, text := range []struct {
			text string
			stmt driver.Stmt
		}{{"q", bad}, {"r", next}} {
			c.Add(text.text, text.stmt)
			c.Forget(nil, text.text)
		}
		if err := c.CloseGone("r"); err != nil || next.closed != 1 || bad.closed != 0 {
			t.Errorf("%s: closing one text: %v", tt.what, err)
		}
		if err := c.CloseGone(""); (err != nil) != tt.fails || bad.closed != 1 {
			t.Errorf("%s: %v, closed %d times", tt.what, err, bad.closed)
		}
		if stays := len(c.gone) > 0; stays != tt.stays {
			t.Errorf("%s: it stays: %v", tt.what, stays)
		}
		if c.DropGone(); c.Collect(0) {
			t.Errorf("%s: it stays for ever", tt.what)
		}
	}
}

func TestWhatMayBeOldIsPreparedAnew(t *testing.T) {
	var all Sources[*conn]
	var c Cache[*conn]
	src, _ := all.Join("q", false, none)
	other, _ := all.Join("r", false, none)
	twin, _ := all.Join("q", false, none)
	c.Suspect(src) // not prepared here
	if c.HasOld() {
		t.Error("what is not prepared cannot be old")
	}
	c.Hold(src, &stmt{})
	c.Hold(other, &stmt{})
	c.Hold(twin, &stmt{}) // pgx closes the text with the last of them
	c.Suspect(src)
	if !c.HasOld() {
		t.Error("nothing is old")
	}
	if c.ForgetOld(); c.HasOld() || c.Held(src) != nil || c.Held(twin) != nil || c.Held(other) == nil {
		t.Error("others than the statements of the old one's text are gone")
	}
}

func TestALoanThatDoesNotEndCannotFillTheServer(t *testing.T) {
	var c Cache[*conn]
	for i := range mostGone {
		if c.Crowded() {
			t.Errorf("crowded by %d", i)
		}
		c.Add(fmt.Sprint(i), &stmt{})
		c.Forget(nil, fmt.Sprint(i))
	}
	if !c.Crowded() {
		t.Errorf("not crowded by %d", mostGone)
	}
}

// bomb is a statement of a driver that panics.
type bomb struct{ driver.Stmt }

func (bomb) Close() error { panic("boom") }

func TestAllIsClosedWhateverTheDriverDoes(t *testing.T) {
	var all Sources[*conn]
	var c Cache[*conn]
	held, cached, gone := &stmt{}, &stmt{}, &stmt{}
	src, _ := all.Join("q", false, none)
	other, _ := all.Join("r", false, none)
	c.Hold(src, held)
	c.Hold(other, bomb{})
	c.Add("gone", gone)
	c.Forget(nil, "gone")
	c.Add("cached", cached)
	c.CloseAll()
	if held.closed != 1 || cached.closed != 1 || gone.closed != 1 {
		t.Errorf("closed %d, %d and %d times", held.closed, cached.closed, gone.closed)
	}
}

package stmts

import (
	"database/sql/driver"
	"errors"

	"github.com/sqlpool/go/sqlpool/internal/pgerror"
)

// Cache holds what is prepared on one physical connection: the statements of
// sources, as long as those are open, and those of texts whose queries are cached
// (Config.CacheQueries), the ones used last. It belongs to the holder of the
// connection, and has no lock. C is the type of a connection.
//
// What is of no use any more is closed when the loan ends, or when the program closes its
// *sql.Stmt in the loan: rows may be open, and a close is a round trip. But before its text
// runs again it must go: pgx executes what it has prepared under a text, also for
// a query.
type Cache[C comparable] struct {
	held map[*Source[C]]driver.Stmt
	old  map[*Source[C]]bool // of these, which may have failed for their age
	seen uint64              // of Sources.Ended, when held was last looked through
	gone []goneStmt

	byText     map[string]*cachedStmt
	head, tail *cachedStmt // used last, used least
}

type cachedStmt struct {
	text       string
	stmt       driver.Stmt
	prev, next *cachedStmt
}

type goneStmt struct {
	text string
	stmt driver.Stmt
}

const (
	// mostCached is how many texts of queries a connection keeps prepared.
	mostCached = 128

	// LongestCached is the length of a text, in bytes, up to which it is: a bulk
	// INSERT has a text of its own for each number of rows, and the plan of one with
	// a thousand parameters takes half a megabyte of the server's memory.
	LongestCached = 4 << 10

	// mostGone is how many statements wait to be closed in a loan that does not end.
	mostGone = 16
)

// Collect finds the statements of sources that have ended, if there may be any,
// and reports whether anything waits to be closed. A source has ended before it is
// counted, so what is missed now is found the next time.
func (c *Cache[C]) Collect(ended uint64) (waits bool) {
	if c.seen != ended {
		c.seen = ended
		for src, stmt := range c.held {
			if src.ended.Load() {
				c.letGo(src, stmt)
			}
		}
	}
	return len(c.gone) > 0
}

// Hold keeps a statement for a source.
func (c *Cache[C]) Hold(src *Source[C], stmt driver.Stmt) {
	if c.held == nil {
		c.held = make(map[*Source[C]]driver.Stmt)
	}
	c.held[src] = stmt
}

// Held returns the statement of a source, or nil.
func (c *Cache[C]) Held(src *Source[C]) driver.Stmt { return c.held[src] }

// Forget gives up the statement of a source, or of a cached text when src is nil.
func (c *Cache[C]) Forget(src *Source[C], text string) {
	if src == nil {
		c.drop(text)
	} else if stmt := c.held[src]; stmt != nil {
		c.letGo(src, stmt)
	}
}

func (c *Cache[C]) letGo(src *Source[C], stmt driver.Stmt) {
	delete(c.held, src)
	delete(c.old, src)
	c.gone = append(c.gone, goneStmt{src.text, stmt})
}

// Suspect notes that the statement of a source may have failed for its age, and with it
// all of its text: pgx prepares a text once, and closes it with its last statement.
func (c *Cache[C]) Suspect(src *Source[C]) {
	if c.held[src] == nil {
		return
	}
	if c.old == nil {
		c.old = make(map[*Source[C]]bool)
	}
	for other := range c.held {
		if other.text == src.text {
			c.old[other] = true
		}
	}
}

// HasOld reports whether a statement may have failed for its age.
func (c *Cache[C]) HasOld() bool { return len(c.old) > 0 }

// ForgetOld gives up the statements that may have failed for their age.
func (c *Cache[C]) ForgetOld() {
	for src := range c.old {
		c.Forget(src, src.text)
	}
}

// Crowded reports whether so much waits to be closed that it must not wait longer: a
// loan that never ends must not fill the server with statements.
func (c *Cache[C]) Crowded() bool { return len(c.gone) >= mostGone }

// DropGone forgets what CloseGone could not close, where nothing is open that could be
// the reason: it never will be closed.
func (c *Cache[C]) DropGone() { c.gone = nil }

// CloseGone closes what is of no use any more, or only what has the text when that
// is not empty. A statement that the server has forgotten already is as good as
// closed, so only errors of the connection count. One that the driver cannot close
// now, because rows are open, stays.
func (c *Cache[C]) CloseGone(text string) error {
	left := c.gone[:0]
	for i, g := range c.gone {
		if text != "" && g.text != text {
			left = append(left, g)
			continue
		}
		switch err := g.stmt.Close(); {
		case err == nil, pgerror.HasState(err) && pgerror.Classify(err) == pgerror.Statement:
		case pgerror.Classify(err) != pgerror.Statement || errors.Is(err, driver.ErrBadConn):
			c.gone = append(left, c.gone[i+1:]...)
			return err
		default:
			left = append(left, g)
		}
	}
	clear(c.gone[len(left):])
	c.gone = left
	return nil
}

// CloseAll closes everything, for a driver that would not do so when its
// connection is closed.
func (c *Cache[C]) CloseAll() {
	for _, stmt := range c.held {
		closeStmtQuietly(stmt)
	}
	for s := c.head; s != nil; s = s.next {
		closeStmtQuietly(s.stmt)
	}
	for _, g := range c.gone {
		closeStmtQuietly(g.stmt)
	}
	*c = Cache[C]{}
}

// closeStmtQuietly closes what is of no use any more: a driver that panics here has
// nothing left to lose.
func closeStmtQuietly(stmt driver.Stmt) {
	defer func() { _ = recover() }()
	_ = stmt.Close()
}

// Get returns the statement of a cached text, or nil.
func (c *Cache[C]) Get(text string) driver.Stmt {
	s := c.byText[text]
	if s == nil {
		return nil
	}
	if s != c.head {
		c.unlink(s)
		c.linkFirst(s)
	}
	return s.stmt
}

// Add keeps the statement of a text, and lets go the one used least if there are too many.
func (c *Cache[C]) Add(text string, stmt driver.Stmt) {
	if c.byText == nil {
		c.byText = make(map[string]*cachedStmt)
	}
	s := &cachedStmt{text: text, stmt: stmt}
	c.byText[text] = s
	c.linkFirst(s)
	if len(c.byText) > mostCached {
		c.drop(c.tail.text)
	}
}

// drop removes a cached text.
func (c *Cache[C]) drop(text string) {
	s := c.byText[text]
	if s == nil {
		return
	}
	c.unlink(s)
	delete(c.byText, text)
	c.gone = append(c.gone, goneStmt{text, s.stmt})
}

func (c *Cache[C]) linkFirst(s *cachedStmt) {
	s.next = c.head
	if c.head == nil {
		c.tail = s
	} else {
		c.head.prev = s
	}
	c.head = s
}

func (c *Cache[C]) unlink(s *cachedStmt) {
	if s.prev == nil {
		c.head = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		c.tail = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
}

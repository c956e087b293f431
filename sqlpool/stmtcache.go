package sqlpool

import "database/sql/driver"

// stmtCache keeps the prepared statements of one physical connection by their
// text, the ones used last. What falls out is closed when the loan ends, not
// at once: rows of another statement may be open, and a close is a round trip.
// It belongs to whoever holds the connection.
type stmtCache struct {
	most       int // zero keeps none
	byText     map[string]*cachedStmt
	head, tail *cachedStmt // used last, used least
	evicted    []driver.Stmt
}

type cachedStmt struct {
	text       string
	stmt       driver.Stmt
	prev, next *cachedStmt
}

func (c *stmtCache) get(text string) driver.Stmt {
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

func (c *stmtCache) add(text string, stmt driver.Stmt) {
	if c.byText == nil {
		c.byText = make(map[string]*cachedStmt)
	}
	s := &cachedStmt{text: text, stmt: stmt}
	c.byText[text] = s
	c.linkFirst(s)
	if len(c.byText) > c.most {
		c.drop(c.tail.text)
	}
}

// drop removes a statement; it is closed with the evicted ones.
func (c *stmtCache) drop(text string) {
	s := c.byText[text]
	if s == nil {
		return
	}
	c.unlink(s)
	delete(c.byText, text)
	c.evicted = append(c.evicted, s.stmt)
}

// closeEvicted closes what fell out. A statement that the server has forgotten
// already is as good as closed, so only errors of the connection count.
func (c *stmtCache) closeEvicted() error {
	evicted := c.evicted
	c.evicted = nil
	for _, stmt := range evicted {
		if err := stmt.Close(); err != nil && classify(err) != ClassStatement {
			return err
		}
	}
	return nil
}

func (c *stmtCache) linkFirst(s *cachedStmt) {
	s.next = c.head
	if c.head == nil {
		c.tail = s
	} else {
		c.head.prev = s
	}
	c.head = s
}

func (c *stmtCache) unlink(s *cachedStmt) {
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

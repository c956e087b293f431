package sqlstack_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
)

// triesConnector notes what OnLastTry says in each of database/sql's tries.
type triesConnector struct{ last []bool }

func (c *triesConnector) Connect(context.Context) (driver.Conn, error) {
	c.last = append(c.last, sqlstack.OnLastTry())
	return nil, driver.ErrBadConn
}

func (c *triesConnector) Driver() driver.Driver { return nil }

func TestTheLastTryIsToldFromTheOthers(t *testing.T) {
	ctx := context.Background()
	for name, do := range map[string]func(*sql.DB) error{
		"exec":    func(db *sql.DB) error { _, err := db.ExecContext(ctx, ""); return err },
		"query":   func(db *sql.DB) error { return db.QueryRowContext(ctx, "").Scan() },
		"begin":   func(db *sql.DB) error { _, err := db.BeginTx(ctx, nil); return err },
		"prepare": func(db *sql.DB) error { _, err := db.PrepareContext(ctx, ""); return err },
		"ping":    func(db *sql.DB) error { return db.PingContext(ctx) },
		"conn":    func(db *sql.DB) error { _, err := db.Conn(ctx); return err },
	} {
		var tries triesConnector
		db := sql.OpenDB(&tries)
		if err := do(db); !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("%s: %v", name, err)
		}
		db.Close()
		if l := tries.last; len(l) != 3 || l[0] || l[1] || !l[2] {
			t.Errorf("%s: OnLastTry said %v", name, l)
		}
	}
	if !sqlstack.OnLastTry() {
		t.Error("outside database/sql the answer must be the careful one")
	}
}

// deep calls f so many calls further down.
func deep(n int, f func() bool) bool {
	if n > 0 {
		return deep(n-1, f)
	}
	return f()
}

// wrappedConnector is a connector below many wrappers.
type wrappedConnector struct{ triesConnector }

func (c *wrappedConnector) Connect(context.Context) (driver.Conn, error) {
	c.last = append(c.last, deep(100, sqlstack.OnLastTry))
	return nil, driver.ErrBadConn
}

func TestTheLastTryIsToldBelowAnyNumberOfWrappers(t *testing.T) {
	var tries wrappedConnector
	db := sql.OpenDB(&tries)
	defer db.Close()
	if err := db.PingContext(context.Background()); !errors.Is(err, driver.ErrBadConn) {
		t.Error(err)
	}
	if l := tries.last; len(l) != 3 || l[0] || l[1] || !l[2] {
		t.Errorf("OnLastTry said %v", l)
	}
}

// discarded is a session that notes whether its statement is closed with it.
type discarded struct {
	driver.Conn
	discarding []bool
}

func (c *discarded) Connect(context.Context) (driver.Conn, error) { return c, nil }
func (c *discarded) Driver() driver.Driver                        { return nil }
func (c *discarded) Prepare(string) (driver.Stmt, error)          { return discardedStmt{conn: c}, nil }
func (c *discarded) Close() error                                 { return nil }

type discardedStmt struct {
	driver.Stmt
	conn *discarded
}

func (s discardedStmt) Close() error {
	s.conn.discarding = append(s.conn.discarding, sqlstack.Discarding())
	return nil
}

func TestAStatementThatIsDiscardedIsToldFromOneThatIsClosed(t *testing.T) {
	var session discarded
	db := sql.OpenDB(&session)
	closed, err := db.Prepare("one")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Error(err)
	}
	if _, err := db.Prepare("two"); err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(-1) // discards the session
	if d := session.discarding; len(d) != 2 || d[0] || !d[1] {
		t.Errorf("Discarding said %v", d)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

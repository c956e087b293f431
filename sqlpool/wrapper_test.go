package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// tracer is a wrapper as tracing libraries make them: it forwards the standard
// interfaces, and leads to what it wraps.
type tracer struct {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	inner driver.Conn
}

func (t tracer) Raw() driver.Conn { return t.inner }

func traced(c *fakedb.Conn) driver.Conn { return tracer{c, c, c, c, c, c, c, c} }

func TestAWrapperDoesNotHideThatATransactionIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		db, p, _ := newDBOn(t, server, traced, sqlpool.Config{MaxConns: 1})
		for _, text := range []string{"BEGIN", "INSERT token"} {
			if _, err := db.Exec(text); err != nil {
				t.Fatal(err)
			}
		}
		rest(t, p)
		must(t, db.Close())
		if n := server.Written("token"); n != 1 {
			t.Errorf("an acknowledged insert was written %d times", n)
		}
	})
}

// touchy is a tracer that panics where it is told to.
type touchy struct {
	tracer
	where *atomic.Value
}

func (c touchy) panics(method string) {
	if c.where.CompareAndSwap(method, "") {
		panic(method + " exploded")
	}
}

func (c touchy) IsValid() bool {
	c.panics("IsValid")
	return true
}

func (c touchy) ResetSession(ctx context.Context) error {
	c.panics("ResetSession")
	return c.tracer.ResetSession(ctx)
}

// An adapter, which has Sent, vouches for its own; see generation_test.go for the
// other methods.
func TestAPanicBetweenLoansCostsTheConnectionOnly(t *testing.T) {
	for _, method := range []string{"IsValid", "ResetSession"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := fakedb.New()
				var where atomic.Value
				db, p, _ := newDBOn(t, server, func(c *fakedb.Conn) driver.Conn {
					return touchy{traced(c).(tracer), &where}
				}, sqlpool.Config{MaxConns: 1})
				for _, panics := range []string{"", method, ""} {
					where.Store(panics)
					if _, err := db.Exec("SELECT 1"); err != nil {
						t.Errorf("with a panic in %q: %v", panics, err)
					}
				}
				if s := p.Stats(); s.DialCount != 2 || s.Open != 1 || where.Load() != "" {
					t.Errorf("%d dials, %d open", s.DialCount, s.Open)
				}
			})
		})
	}
}

// unsure knows nothing of stale statements.
type unsure struct{ *fakedb.Conn }

func (unsure) StatementStale(error) bool { return false }

func TestAStatementRunsOnceUnlessItsDriverIsSure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		db, _, _ := newDBOn(t, server, func(c *fakedb.Conn) driver.Conn { return unsure{c} }, sqlpool.Config{MaxConns: 1})
		// As a procedure that commits and then fails with this SQLSTATE.
		fault := server.On(fakedb.StmtExec, fakedb.Fault{Stage: fakedb.AfterEffect, Err: &fakedb.Error{Code: "26000"}})
		stmt, err := db.Prepare("INSERT token")
		must(t, err)
		defer stmt.Close()
		if _, err := stmt.Exec(); err == nil {
			t.Error("no error")
		}
		fault.Remove()
		if n := server.Written("token"); n != 1 {
			t.Errorf("written %d times", n)
		}
	})
}

func TestAConnectionIsNobodysWhileItIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Bool
		hooks := sqlpool.Hooks{OnOpen: func(e sqlpool.Opened) {
			asked.Store(true)
			if loan, held, ok := e.Conn.Lending(); ok {
				t.Errorf("lent as loan %d for %v", loan, held)
			}
			if e.Conn.Reclaim(0) {
				t.Error("reclaimed")
			}
		}}
		time.Sleep(time.Minute)
		p := newPool(t, sqlpool.Config{Connector: fakedb.New().Connector(), Hooks: []sqlpool.Hooks{hooks}})
		loan, err := p.Acquire(context.Background())
		must(t, err)
		must(t, loan.Release())
		if !asked.Load() {
			t.Error("no OnOpen")
		}
	})
}

func TestRollbackOfAFinishedTransactionCutsNobodyOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, sqlpool.Config{Connector: fakedb.New().Connector(), MaxConns: 1, RollbackTimeout: time.Second})
		conn, err := p.Connector().Connect(context.Background())
		must(t, err)
		tx, err := conn.(driver.ConnBeginTx).BeginTx(context.Background(), driver.TxOptions{})
		must(t, err)
		must(t, tx.Commit())
		if err := tx.Rollback(); err == nil {
			t.Error("no error")
		}
		if _, err := conn.(driver.ExecerContext).ExecContext(context.Background(), "SLEEP 3s", nil); err != nil {
			t.Error(err)
		}
		conn.(driver.Validator).IsValid()
	})
}

func TestADialThatIsGivenUpKeepsNobodyOut(t *testing.T) {
	defer sqlpool.LimitProcessDials(sqlpool.DefaultProcessDials)
	synctest.Test(t, func(t *testing.T) {
		sqlpool.LimitProcessDials(1)
		deaf := fakedb.New()
		deaf.On(fakedb.Connect, fakedb.Fault{Delay: time.Minute, Deaf: true, Times: 1})
		hung := newPool(t, sqlpool.Config{Connector: deaf.Connector(), ConnectTimeout: time.Second})
		if _, err := hung.Acquire(context.Background()); err == nil {
			t.Fatal("acquired")
		}
		p := newPool(t, sqlpool.Config{Connector: fakedb.New().Connector()})
		loan, err := p.Acquire(context.Background())
		must(t, err)
		must(t, loan.Release())
		time.Sleep(2 * time.Minute)
	})
}

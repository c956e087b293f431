package byname

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// fake is one of our drivers over a scripted database.
func fake() (*named, *fakedb.DB) {
	db := fakedb.New()
	return &named{name: "fake", dialect: pgxDialect, asDriver: func(d *opened) driver.Driver { return d }, connector: func(string, *onehost.Host, *options) (driver.Connector, error) {
		return db.Connector(), nil
	}}, db
}

func hooked(h sqlpool.Hooks) func(*Handle) []sqlpool.Hooks {
	return func(*Handle) []sqlpool.Hooks { return []sqlpool.Hooks{h} }
}

// open does what sql.Open does with a registered driver.
func open(t *testing.T, d *named, dsn string) *sql.DB {
	t.Helper()
	c, err := d.OpenConnector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return sql.OpenDB(c)
}

func TestNamesAreRegistered(t *testing.T) {
	for _, name := range []string{"sqlpool-pgx", "sqlpool-pq"} {
		if !slices.Contains(sql.Drivers(), name) {
			t.Errorf("%s is not registered", name)
		}
	}
}

func TestOpeningStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fake := fake()
		db := open(t, d, "pool_min_idle=3")
		time.Sleep(time.Hour)
		if c := fake.Counts(); c.ConnectsTried != 0 {
			t.Errorf("%d dials without a use", c.ConnectsTried)
		}
		if err := db.Close(); err != nil { // and the bubble is empty: no goroutine is left
			t.Error(err)
		}
		if pool, ok := PoolOf(db); ok || pool != nil {
			t.Error("a pool was made of a closed database")
		}
	})
}

// The real drivers too: no goroutine connects to the server before the test.
func TestOpeningDialsNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name := range registered {
		db, err := sql.Open(name, "postgres://u@"+l.Addr().String()+"/db?sslmode=disable&pool_min_idle=5")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		knock, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		first, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if first.RemoteAddr().String() != knock.LocalAddr().String() {
			t.Errorf("%s has dialed", name)
		}
		first.Close()
		knock.Close()
	}
}

func TestTheFirstUseStartsThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fake := fake()
		db := open(t, d, "pool_min_idle=3 pool_name=orders")
		if _, err := db.Exec("SELECT 1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		pool, ok := PoolOf(db)
		if s := pool.Stats(); s.Idle < 3 {
			t.Errorf("%d connections are idle, want MinIdle", s.Idle)
		}
		if !ok || pool.Stats().Name != "orders" || pool.Stats().AcquireCount != 1 {
			t.Errorf("%v, %+v", ok, pool.Stats())
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if c := fake.Counts(); c.Live != 0 {
			t.Errorf("%d connections are left", c.Live)
		}
		if s := pool.Stats(); s.State != sqlpool.StateClosed {
			t.Errorf("the pool is %v", s.State)
		}
		if again, ok := PoolOf(db); !ok || again != pool {
			t.Error("the closed pool's figures cannot be had any more")
		}
	})
}

func TestFirstUsesMeet(t *testing.T) {
	d, fake := fake()
	db := open(t, d, "pool_max_conns=4")
	defer db.Close()
	var wg sync.WaitGroup
	pools := make([]*sqlpool.Pool, 16)
	for i := range pools {
		wg.Go(func() {
			if _, err := db.Exec("SELECT 1"); err != nil {
				t.Error(err)
			}
			pools[i], _ = PoolOf(db)
		})
	}
	wg.Wait()
	if c := fake.Counts(); c.PeakLive > 4 || len(slices.Compact(pools)) != 1 {
		t.Errorf("%d connections at once, pools %v", c.PeakLive, pools)
	}
}

func TestEqualStringsDoNotShareAPool(t *testing.T) {
	d, _ := fake()
	one, two := open(t, d, "pool_name=a"), open(t, d, "pool_name=a")
	defer one.Close()
	defer two.Close()
	p1, _ := PoolOf(one)
	p2, _ := PoolOf(two)
	if p1 == p2 || p1 == nil || p2 == nil || one.Driver() == two.Driver() {
		t.Error("they share a pool")
	}
}

func TestConnectAfterClose(t *testing.T) {
	d, _ := fake()
	c, err := d.OpenConnector("pool_name=orders")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.(*connector).Close(), c.(*connector).Close()); err != nil {
		t.Error(err)
	}
	var failed *sqlpool.AcquireError
	if _, err := c.Connect(context.Background()); !errors.Is(err, sqlpool.ErrClosed) || !errors.As(err, &failed) || failed.Pool != "orders" {
		t.Error(err)
	}
}

// What is added before the first use hears everything of its own pool; what comes
// too late is an error, not a page that stays empty.
func TestAddedHooksHearThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := fake()
		db, other := open(t, d, "pool_min_idle=0"), open(t, d, "pool_min_idle=0")
		var started *sqlpool.Pool
		var opened, acquired int
		hooks := sqlpool.Hooks{
			OnStart: func(p *sqlpool.Pool) { started = p }, OnOpen: func(sqlpool.Opened) { opened++ }, OnAcquire: func(sqlpool.Acquired) { acquired++ },
		}
		if err := AddHooks(db, hooks); err != nil || started != nil {
			t.Fatal(err)
		}
		for _, db := range []*sql.DB{db, other} {
			if _, err := db.Exec("SELECT 1"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if pool, _ := PoolOf(db); started != pool || opened != 1 || acquired != 1 {
			t.Errorf("started %v, %d opened, %d acquired", started == pool, opened, acquired)
		}
		if err := AddHooks(db, hooks); err == nil || !strings.Contains(err.Error(), "between sql.Open and the first use") {
			t.Errorf("to a running pool: %v", err)
		}
		if err := errors.Join(db.Close(), other.Close()); err != nil {
			t.Error(err)
		}
		unused := open(t, d, "")
		_ = unused.Close()
		if err := AddHooks(unused, hooks); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("to a closed database: %v", err)
		}
		strangers := sql.OpenDB(fakedb.New().Connector())
		defer strangers.Close()
		if err := AddHooks(strangers, hooks); err == nil || !strings.Contains(err.Error(), "sqlpool.New") || !strings.Contains(err.Error(), "WithHooksOf") {
			t.Errorf("to another's database: %v", err)
		}
	})
}

// An OnStart hook runs within the first use of the database. What it asks the
// database for must not wait for that use to end.
func TestAHookOfTheStartMayTouchTheDatabase(t *testing.T) {
	for name, touch := range map[string]func(db *sql.DB, p *sqlpool.Pool) error{
		"PoolOf": func(db *sql.DB, p *sqlpool.Pool) error {
			if pool, ok := PoolOf(db); !ok || pool != p {
				return errors.New("another pool")
			}
			return nil
		},
		"AddHooks": func(db *sql.DB, _ *sqlpool.Pool) error {
			if AddHooks(db, sqlpool.Hooks{}) == nil {
				return errors.New("added to a pool that starts")
			}
			return nil
		},
		"a query with a deadline": func(db *sql.DB, _ *sqlpool.Pool) error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := db.PingContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil
		},
		"a query without": func(db *sql.DB, _ *sqlpool.Pool) error {
			before := time.Now()
			if err := db.Ping(); err == nil || !strings.Contains(err.Error(), "still starting") || time.Since(before) != 5*time.Second {
				return fmt.Errorf("%w after %v", err, time.Since(before))
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, _ := fake()
				db := open(t, d, "pool_acquire_timeout=5")
				defer db.Close()
				if err := AddHooks(db, sqlpool.Hooks{OnStart: func(p *sqlpool.Pool) {
					if err := touch(db, p); err != nil {
						t.Error(err)
					}
				}}); err != nil {
					t.Fatal(err)
				}
				if err := db.Ping(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestOthersWaitForTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := fake()
		db := open(t, d, "")
		defer db.Close()
		started := false
		if err := AddHooks(db, sqlpool.Hooks{
			OnStart: func(*sqlpool.Pool) { time.Sleep(time.Second); started = true },
			OnAcquire: func(sqlpool.Acquired) {
				if !started {
					t.Error("a hook hears of a loan before its start")
				}
			},
		}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			go func() {
				if err := db.Ping(); err != nil {
					t.Error(err)
				}
			}()
		}
		time.Sleep(time.Minute)
	})
}

func TestClosedWhileThePoolStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fake := fake()
		c, err := d.OpenConnector("")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.(*connector).add(hooked(sqlpool.Hooks{OnStart: func(*sqlpool.Pool) {
			if err := c.(*connector).Close(); err != nil {
				t.Error(err)
			}
		}})); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Connect(context.Background()); !errors.Is(err, sqlpool.ErrClosed) { // and the bubble is empty
			t.Error(err)
		}
		if n := fake.Counts().Live; n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestAPanicOfAStartBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := fake()
		c, err := d.OpenConnector("")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.(*connector).add(hooked(sqlpool.Hooks{OnStart: func(*sqlpool.Pool) { panic("a hook's") }})); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				_, _ = c.Connect(context.Background())
			}()
		}
		if err := c.(*connector).Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestPoolOfAStranger(t *testing.T) {
	db := sql.OpenDB(fakedb.New().Connector())
	defer db.Close()
	if pool, ok := PoolOf(db); ok || pool != nil {
		t.Error("a plain *sql.DB has a pool")
	}
}

// Wrappers of drivers call Open for each connection.
func TestDriverOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fake := fake()
		conn, err := d.Open("pool_max_conns=20 pool_min_idle=5")
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := conn.(session); !ok {
			t.Errorf("%T hides abilities", conn)
		}
		if _, err := conn.(driver.ExecerContext).ExecContext(context.Background(), "SELECT 1", nil); err != nil {
			t.Error(err)
		}
		tx, err := conn.(driver.ConnBeginTx).BeginTx(context.Background(), driver.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if c := fake.Counts(); c.PeakLive != 1 {
			t.Errorf("one connection is %d", c.PeakLive)
		}
		if err := conn.Close(); err != nil { // and the bubble is empty
			t.Error(err)
		}
		if c := fake.Counts(); c.Live != 0 {
			t.Error("it is still there")
		}
	})
}

func TestDriverOpenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fake := fake()
		refused := errors.New("refused")
		fake.SetDown(refused)
		if _, err := d.Open(""); !errors.Is(err, refused) {
			t.Error(err)
		}
		if _, err := d.Open("pool_max_conns=none"); err == nil {
			t.Error("opened")
		}
	})
}

func TestSQLOpenFailsAtOnce(t *testing.T) {
	for name := range registered {
		_, err := sql.Open(name, nowhere+"&pool_max_conns=none")
		var bad *SettingError
		if !errors.As(err, &bad) || bad.Name != "pool_max_conns" || bad.Source != SourceDSN || bad.Value != "none" {
			t.Errorf("%s: %v", name, err)
		}
		// A question mark in a password that is not escaped: pgx takes what follows for the password, lib/pq for a parameter.
		if _, err := sql.Open(name, "postgres://u:1?pool_hunter=x@h/db"); err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := sql.Open(name, "postgres://u:hunter2@h:port/db"); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Port 1 refuses: the error is the dial's, it comes at once, and says no secret.
func TestARefusingServer(t *testing.T) {
	for name := range registered {
		db, err := sql.Open(name, nowhere)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Ping()
		if !errors.Is(err, sqlpool.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") || errors.Is(err, driver.ErrBadConn) {
			t.Errorf("%s: %v", name, err)
		}
		if pool, ok := PoolOf(db); !ok || strings.Contains(pool.Stats().LastError, "hunter2") || pool.Stats().LastError == "" {
			t.Errorf("%s: last error %q", name, pool.Stats().LastError)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

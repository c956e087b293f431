//go:build unix

package tap

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
)

// rig is a tap in front of the shared server, with a table.
type rig struct {
	*testing.T
	tap     *Tap
	console *pgserver.Console
	open    func(dsn string) (driver.Connector, error)
	dsn     string
}

func onEach(t *testing.T, f func(r *rig)) {
	drivers := map[string]func(string) (driver.Connector, error){
		"pgx": func(dsn string) (driver.Connector, error) { return pgxv5.Connector(dsn) },
		"pq":  func(dsn string) (driver.Connector, error) { return libpq.Connector(dsn) },
	}
	for name, open := range drivers {
		t.Run(name, func(t *testing.T) {
			server := pgserver.Shared(t)
			database := server.NewDatabase(t)
			behind := server.TCP()
			tap, err := Listen(net.JoinHostPort("127.0.0.1", strconv.Itoa(behind.Port)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { tap.Close() })
			behind.Port = tap.Port()
			r := &rig{T: t, tap: tap, console: server.In(database), open: open, dsn: behind.URL(database)}
			if err := r.console.Exec(r.ctx(), "CREATE TABLE t (token bigint)"); err != nil {
				t.Fatal(err)
			}
			f(r)
		})
	}
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	r.Cleanup(cancel)
	return ctx
}

func (r *rig) connect() driver.Conn {
	r.Helper()
	connector, err := r.open(r.dsn)
	if err != nil {
		r.Fatal(err)
	}
	c, err := connector.Connect(r.ctx())
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { c.Close() })
	return c
}

func exec(ctx context.Context, c driver.Conn, sql string, args ...driver.NamedValue) error {
	_, err := c.(driver.ExecerContext).ExecContext(ctx, sql, args)
	return err
}

// TestEachFate: an INSERT meets it, as a simple query and with arguments, and
// the server says whether it had its effect.
func TestEachFate(t *testing.T) {
	has := map[Fault]int{Forward: 1, LoseReply: 1, HalveReply: 1, Silence: 1}
	onEach(t, func(r *rig) {
		token := 0
		for _, fault := range append(Breaks(), Forward) {
			for _, args := range []bool{false, true} {
				token++
				c := r.connect()
				r.tap.SetPlan(func(sql string) Fault {
					if strings.HasPrefix(sql, "INSERT") {
						return fault
					}
					return Forward
				})
				ctx := r.ctx()
				if fault == Silence {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
					defer cancel()
				}
				var err error
				if args {
					err = exec(ctx, c, "INSERT INTO t VALUES ($1)", driver.NamedValue{Ordinal: 1, Value: int64(token)})
				} else {
					err = exec(ctx, c, fmt.Sprintf("INSERT INTO t VALUES (%d)", token))
				}
				if (err == nil) != (fault == Forward) {
					r.Errorf("%v, args %v: error %v", fault, args, err)
				}
				c.Close()
				if got := r.count(token, has[fault]); got != has[fault] {
					r.Errorf("%v, args %v: %d rows, want %d", fault, args, got, has[fault])
				}
			}
		}
		if n := r.tap.Broken(); n != 12 {
			r.Errorf("%d broken executions counted, want 12", n)
		}
	})
}

// count asks until the row is there, when one is to come.
func (r *rig) count(token, want int) int {
	r.Helper()
	for ctx := r.ctx(); ; {
		rows, err := r.console.Query(ctx, fmt.Sprintf("SELECT count(*) FROM t WHERE token = %d", token))
		if err != nil {
			r.Fatal(err)
		}
		if n, _ := strconv.Atoi(rows[0][0]); n >= want {
			return n
		}
	}
}

func TestDarkenSwallowsWhatIsOpenAndNothingElse(t *testing.T) {
	onEach(t, func(r *rig) {
		old := r.connect()
		if n := r.tap.Darken(); n != 1 {
			r.Errorf("%d connections were open, want 1", n)
		}
		if err := exec(r.ctx(), r.connect(), "SELECT 1"); err != nil {
			r.Errorf("a new connection: %v", err)
		}
		ctx, cancel := context.WithTimeout(r.ctx(), 50*time.Millisecond)
		defer cancel()
		if err := exec(ctx, old, "SELECT 1"); err == nil {
			r.Error("an old connection has an answer")
		}
	})
}

func TestResetIsSeen(t *testing.T) {
	onEach(t, func(r *rig) {
		c := r.connect()
		result := make(chan error, 1)
		go func() { result <- exec(r.ctx(), c, "SELECT pg_sleep(60)") }()
		r.tap.SetPlan(nil)
		for len(r.active()) == 0 {
			if r.ctx().Err() != nil {
				r.Fatal("the statement does not run")
			}
		}
		r.tap.Reset()
		if err := <-result; err == nil {
			r.Error("no error")
		}
	})
}

func (r *rig) active() [][]string {
	rows, err := r.console.Query(r.ctx(), "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%' AND datname = current_database()")
	if err != nil {
		r.Fatal(err)
	}
	return rows
}

package route_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

func forEachDriver(t *testing.T, test func(t *testing.T, driverName string)) {
	for name := range connectors {
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// reads is for figures on a machine that does nothing else: the shares of equal servers are then bounded too.
var reads = flag.Int("route.reads", 0, "how many statements TestConcurrentWorkGoesWhereItBelongs sends at least")

func isReplica(name string) bool { return name == "first" || name == "second" }

func TestTheContextOrTheOptionsSayWhereWorkGoes(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		ctx := within(t)
		marked := route.Replica(ctx)
		tx := func(ctx context.Context, opts *sql.TxOptions) string {
			tx, err := l.BeginTx(ctx, opts)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Commit() }()
			first := l.server(t, marked, tx)
			if again := l.server(t, ctx, tx); again != first {
				t.Errorf("one transaction on %s and %s", first, again)
			}
			return first
		}
		for range 4 { // sessions are used again
			if got := l.server(t, ctx, l); got != "primary" {
				t.Errorf("an unmarked query ran on %s", got)
			}
			if got := l.server(t, marked, l); !isReplica(got) {
				t.Errorf("a marked query ran on %s", got)
			}
			if got := l.server(t, route.Primary(marked), l); got != "primary" {
				t.Errorf("a query marked for the primary ran on %s", got)
			}
			if got := tx(ctx, nil); got != "primary" {
				t.Errorf("a transaction ran on %s", got)
			}
			if got := tx(marked, nil); got != "primary" {
				t.Errorf("a transaction that may write ran on %s", got)
			}
			if got := tx(ctx, &sql.TxOptions{ReadOnly: true}); !isReplica(got) {
				t.Errorf("a read-only transaction ran on %s", got)
			}
			if got := tx(route.Primary(ctx), &sql.TxOptions{ReadOnly: true}); got != "primary" {
				t.Errorf("a read-only transaction marked for the primary ran on %s", got)
			}
			if err := l.PingContext(marked); err != nil {
				t.Error(err)
			}
		}
		for _, p := range l.pools {
			if s := p.Stats(); s.InUse != 0 {
				t.Errorf("%d connections are in use at rest: %v", s.InUse, p.Holders())
			}
		}
	})
}

func TestAStatementIsPreparedWhereItExecutes(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		ctx := within(t)
		st, err := l.PrepareContext(ctx, where+` + $1::int`)
		if err != nil {
			t.Fatal(err)
		}
		run := func(ctx context.Context, st *sql.Stmt) string {
			got, err := l.whose(ctx, st.QueryRowContext(ctx, 0))
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		for range 6 {
			if got := run(ctx, st); got != "primary" {
				t.Errorf("unmarked on %s", got)
			}
			if got := run(route.Replica(ctx), st); !isReplica(got) {
				t.Errorf("marked on %s", got)
			}
			tx, err := l.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := run(ctx, tx.StmtContext(ctx, st)), l.server(t, ctx, tx); got != want || !isReplica(got) {
				t.Errorf("Tx.Stmt on %s, the transaction on %s", got, want)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		wrong, err := l.PrepareContext(route.Replica(ctx), `SELECT nothing FROM nowhere`)
		if err == nil {
			wrong.Close()
			t.Error("a statement without a table was prepared")
		}
	})
}

func TestAConnIsASessionOfOneServer(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		ctx := within(t)
		for _, marked := range []bool{false, true, false, true} {
			of := ctx
			if marked {
				of = route.Replica(ctx)
			}
			c, err := l.Conn(of)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.ExecContext(ctx, `SET application_name = 'kept'`); err != nil {
				t.Fatal(err)
			}
			first := l.server(t, ctx, c)
			if isReplica(first) != marked {
				t.Errorf("marked %v, and on %s", marked, first)
			}
			for _, other := range []context.Context{ctx, route.Replica(ctx), route.Primary(ctx)} {
				if got := l.server(t, other, c); got != first {
					t.Errorf("one Conn on %s and %s", first, got)
				}
			}
			tx, err := c.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := l.server(t, ctx, tx); got != first {
				t.Errorf("the transaction of a Conn on %s is on %s", first, got)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			var kept string
			if err := c.QueryRowContext(ctx, `SHOW application_name`).Scan(&kept); err != nil || kept != "kept" {
				t.Errorf("the session's setting is %q (%v)", kept, err)
			}
			if _, err := c.ExecContext(ctx, `RESET application_name`); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestRawIsOfTheServerOfItsConn(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		for want, ctx := range map[string]context.Context{"f": within(t), "t": route.Replica(within(t))} {
			c, err := l.Conn(ctx)
			if err != nil {
				t.Fatal(err)
			}
			err = c.Raw(func(dc any) error {
				raw := dc.(interface{ Raw() driver.Conn }).Raw()
				rows, err := raw.(driver.QueryerContext).QueryContext(ctx, `SELECT pg_is_in_recovery()::text`, nil)
				if err != nil {
					return err
				}
				row := make([]driver.Value, 1)
				if err := rows.Next(row); err != nil {
					return err
				}
				if got := fmt.Sprintf("%s", row[0])[:1]; got != want {
					t.Errorf("in recovery: %s, want %s", got, want)
				}
				return rows.Close()
			})
			if err != nil {
				t.Error(err)
			}
			if got := l.server(t, context.Background(), c); isReplica(got) != (want == "t") {
				t.Errorf("after Raw on %s", got)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A server in recovery refuses a serializable transaction (0A000).
func TestASerializableTransactionRunsOnThePrimary(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		ctx := within(t)
		for _, level := range []sql.IsolationLevel{sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable} {
			tx, err := l.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: level})
			if err != nil {
				t.Fatalf("%v: %v", level, err)
			}
			if got := l.server(t, ctx, tx); isReplica(got) == (level == sql.LevelSerializable) {
				t.Errorf("%v on %s", level, got)
			}
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAReplicaRefusesWrites(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		ctx := within(t)
		if _, err := l.ExecContext(route.Replica(ctx), `CREATE TABLE refused ()`); err == nil || !strings.Contains(err.Error(), "25006") {
			t.Errorf("a marked write: %v", err)
		}
		tx, err := l.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(ctx, `CREATE TABLE refused ()`); err == nil || !strings.Contains(err.Error(), "25006") {
			t.Errorf("a write in a read-only transaction: %v", err)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	})
}

// Under concurrent work nothing unmarked reaches a replica and no read the primary. How reads are spread depends on what
// each server has of the processors meanwhile: spread_test.go says how they are when the servers are equal.
func TestConcurrentWorkGoesWhereItBelongs(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		const workers = 8
		each := max(500, *reads/workers)
		var mu sync.Mutex
		marked, unmarked := map[string]int{}, map[string]int{}
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				ctx := context.Background()
				for i := range each {
					count, row := marked, (*sql.Row)(nil)
					var tx *sql.Tx
					switch i % 3 {
					case 0:
						row = l.QueryRowContext(route.Replica(ctx), where)
					case 1:
						var err error
						if tx, err = l.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err != nil {
							t.Error(err)
							return
						}
						row = tx.QueryRowContext(ctx, where)
					default:
						count, row = unmarked, l.QueryRowContext(ctx, where)
					}
					name, err := l.whose(ctx, row)
					if err != nil {
						t.Error(err)
						return
					}
					if tx != nil {
						if err := tx.Commit(); err != nil {
							t.Error(err)
						}
					}
					mu.Lock()
					count[name]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(unmarked) != 1 || unmarked["primary"] == 0 {
			t.Errorf("unmarked statements ran on %v", unmarked)
		}
		if marked["primary"] != 0 || marked["first"] == 0 || marked["second"] == 0 {
			t.Errorf("marked reads ran on %v", marked)
		}
		a, b := float64(marked["first"]), float64(marked["second"])
		t.Logf("marked %v, %.1f %% apart; unmarked %v", marked, 100*(max(a, b)/min(a, b)-1), unmarked)
		if *reads > 0 && max(a, b)/min(a, b) > 1.1 {
			t.Error("the replicas' shares are more than 10 % apart")
		}
	})
}

func TestConfigSaysAllThatIsWrong(t *testing.T) {
	p, err := sqlpool.New(sqlpool.Config{Connector: noConnector{}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, err = route.New(route.Config{Replicas: []*sqlpool.Pool{nil, p, p}, MaxLag: -1, WithoutReplica: 7})
	for _, want := range []string{"Primary is nil", "Replicas[0] is nil", "Replicas[2] is the pool", "MaxLag is -1ns", "WithoutReplica is 7"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

type noConnector struct{}

func (noConnector) Connect(context.Context) (driver.Conn, error) { return nil, driver.ErrBadConn }
func (noConnector) Driver() driver.Driver                        { return nil }

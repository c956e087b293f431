package acceptance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// wires are the sockets of a pool: they count what goes to and fro, and can be cut.
type wires struct {
	turns atomic.Int64 // times that something was written after something was read

	vanished atomic.Int64 // the sockets up to this number are dead, and nothing has said so
	opened   atomic.Int64

	cut    func() (writes, reads int) // asked at each turn how many bytes pass until a socket is cut, less than 0: all
	healed atomic.Bool                // cuts that have not come yet do not come
}

// socket shows its descriptor, as a TCP connection does.
type socket struct {
	*net.TCPConn
	wires  *wires
	number int64

	mu            sync.Mutex
	writing       bool
	written, read int // the bytes that may pass still, when cuts is set
	cuts          bool
}

func (w *wires) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &socket{TCPConn: c.(*net.TCPConn), wires: w, number: w.opened.Add(1)}, nil
}

// vanish has what is open die as with the server's host, or the memory of a firewall: what is
// sent is answered with a reset.
func (w *wires) vanish() { w.vanished.Store(w.opened.Load()) }

func (s *socket) dead() bool { return s.number <= s.wires.vanished.Load() }

func (w *wires) Dial(network, address string) (net.Conn, error) {
	return w.DialContext(context.Background(), network, address)
}

func (w *wires) DialTimeout(network, address string, _ time.Duration) (net.Conn, error) {
	return w.DialContext(context.Background(), network, address)
}

var errCut = errors.New("cut by the test")

// turn counts a write behind a read, at which a cut may be drawn.
func (s *socket) turn() {
	if s.writing {
		return
	}
	s.writing = true
	s.wires.turns.Add(1)
	if s.wires.healed.Load() {
		s.cuts = false
	}
	if s.wires.cut != nil && !s.cuts {
		if writes, reads := s.wires.cut(); writes >= 0 || reads >= 0 {
			s.cuts, s.written, s.read = true, writes, reads
		}
	}
}

func (s *socket) Write(b []byte) (int, error) {
	if s.dead() {
		return len(b), nil
	}
	s.mu.Lock()
	s.turn()
	allowed := len(b)
	if s.cuts && s.written >= 0 && !s.wires.healed.Load() {
		allowed = min(allowed, s.written)
		s.written -= allowed
	}
	s.mu.Unlock()
	n, err := s.TCPConn.Write(b[:allowed])
	if err == nil && n < len(b) {
		_ = s.TCPConn.Close()
		err = errCut
	}
	return n, err
}

func (s *socket) Read(b []byte) (int, error) {
	if s.dead() {
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	s.mu.Lock()
	limit := len(b)
	if s.cuts && s.read >= 0 && !s.wires.healed.Load() {
		limit = min(limit, s.read)
	}
	s.mu.Unlock()
	if limit == 0 && len(b) > 0 {
		// The answer is on its way: when its first byte is here the server has done it all.
		_, _ = s.TCPConn.Read(b[:1])
		_ = s.TCPConn.Close()
		return 0, errCut
	}
	n, err := s.TCPConn.Read(b[:limit])
	s.mu.Lock()
	s.writing = false
	if s.cuts && s.read >= 0 {
		s.read -= n
	}
	s.mu.Unlock()
	return n, err
}

// wired is a pool whose sockets are w's.
func (a *app) wired(w *wires, dsn string, cfg sqlpool.Config, eager bool) (*sqlpool.Pool, *sql.DB) {
	a.Helper()
	var err error
	switch a.adapter.name {
	case "pgx":
		opts := []pgxv5.Option{pgxv5.WithDialFunc(w.DialContext)}
		if eager {
			opts = append(opts, pgxv5.EagerBegin())
		}
		cfg.Connector, err = pgxv5.Connector(dsn, opts...)
	case "pq":
		opts := []libpq.Option{libpq.WithDialer(w)}
		if eager {
			opts = append(opts, libpq.EagerBegin())
		}
		cfg.Connector, err = libpq.Connector(dsn, opts...)
	}
	a.must(err)
	pool, err := sqlpool.New(cfg)
	a.must(err)
	db := sqlpool.OpenDB(pool)
	a.Cleanup(func() { a.must(db.Close()) })
	return pool, db
}

// recently is how long ago an answer may be that proves a connection to work: BEGIN is not
// sent ahead of its statement on one that has been silent for longer.
const recently = time.Second

// A transaction of n statements costs n+1 round trips, and none without a statement,
// however the driver sends them.
func TestBeginTravelsWithTheFirstStatement(t *testing.T) {
	secure := pgserver.Run(t, pgserver.Options{TLS: true})
	onEach(t, func(a *app) {
		tls := secure.TCP().With("application_name", a.name).URL(secure.NewDatabase(t))
		dsns := map[string]string{"": a.dsn, "tls": tls}
		if a.adapter.name == "pgx" {
			for _, mode := range []string{"cache_describe", "describe_exec", "exec", "simple_protocol"} {
				dsns[mode] = a.server.TCP().With("application_name", a.name).With("default_query_exec_mode", mode).URL(a.database)
			}
		}
		for name, dsn := range dsns {
			for _, eager := range []bool{false, true} {
				var w wires
				_, db := a.wired(&w, dsn, sqlpool.Config{MaxConns: 1}, eager)
				stmt, err := db.PrepareContext(a.ctx(), "SELECT $1::int")
				a.must(err)
				ways := map[string]func(tx *sql.Tx) error{
					"query with an argument": func(tx *sql.Tx) error {
						var n int
						return tx.QueryRow("SELECT 1 + $1::int", 1).Scan(&n)
					},
					"query": func(tx *sql.Tx) error {
						var n int
						return tx.QueryRow("SELECT 2").Scan(&n)
					},
					"exec with an argument": func(tx *sql.Tx) error { _, err := tx.Exec("SELECT 3 + $1::int", 1); return err },
					"exec":                  func(tx *sql.Tx) error { _, err := tx.Exec("SELECT 4"); return err },
					"savepoint":             func(tx *sql.Tx) error { _, err := tx.Exec("SAVEPOINT a"); return err },
					"statement":             func(tx *sql.Tx) error { _, err := tx.Stmt(stmt).Exec(5); return err },
				}
				for way, do := range ways {
					for n := range 4 {
						for _, end := range []func(*sql.Tx) error{(*sql.Tx).Commit, (*sql.Tx).Rollback} {
							turns := func() int64 {
								for {
									a.exec(db, "SELECT 1")
									before, start := w.turns.Load(), time.Now()
									tx, err := db.BeginTx(a.ctx(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
									a.must(err)
									for range n {
										a.must(do(tx))
									}
									a.must(end(tx))
									if time.Since(start) < recently/2 { // else the machine may have stood still
										return w.turns.Load() - before
									}
								}
							}
							turns() // what is prepared is prepared
							got, want := turns(), int64(n+1)
							if name == "describe_exec" && way != "exec" && way != "savepoint" && way != "statement" {
								want = int64(2*n + 1)
							}
							if name == "describe_exec" && way == "query" {
								want = int64(2*n + 1)
							}
							if n == 0 {
								want = 0
							}
							if eager || a.adapter.name == "pq" && name == "tls" || name == "simple_protocol" {
								want++
								if n == 0 {
									want = 2
								}
							}
							if got != want {
								a.Errorf("%q, eager %v, %d times %s: %d round trips, want %d", name, eager, n, way, got, want)
							}
						}
					}
				}
				a.must(stmt.Close())
			}
		}
	})
}

// The server sees one BEGIN for each transaction that was used, and none of the others.
func TestOneBeginForEachUsedTransaction(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	for _, ad := range adapters {
		t.Run(ad.name, func(t *testing.T) {
			a := newApp(t, server, server.NewDatabase(t), ad)
			a.must(server.LogStatements(a.ctx(), a.database))
			pool, db := a.wired(&wires{}, a.dsn, sqlpool.Config{MaxConns: 4}, false)
			a.proven(pool, 4)
			before, start := a.mark(), time.Now()
			const each = 60
			var work sync.WaitGroup
			for range 4 {
				work.Go(func() {
					for i := range each {
						tx, err := db.BeginTx(a.ctx(), &sql.TxOptions{ReadOnly: i%3 == 0})
						if err != nil {
							a.Error(err)
							return
						}
						if i%2 == 0 {
							for k := range 1 + i%3 {
								if _, err := tx.Exec("SELECT $1::int", k); err != nil {
									a.Error(err)
								}
							}
						}
						if err := map[bool]func() error{true: tx.Commit, false: tx.Rollback}[i%5 == 0](); err != nil {
							a.Error(err)
						}
					}
				})
			}
			work.Wait()
			took := time.Since(start)
			for what, text := range map[string]string{"BEGIN": `(?i)^duration: [0-9.]+ ms  (statement|execute [^:]*): begin`, "the end": `(?i)^duration: [0-9.]+ ms  (statement|execute [^:]*): (commit|rollback)`} {
				n, err := server.CountLog(a.ctx(), before, regexp.MustCompile(text))
				a.must(err)
				if most := 4 * each; n < most/2 || n > most || n > most/2 && took < recently {
					a.Errorf("%s came %d times in %v, want %d", what, n, took, most/2)
				}
			}
		})
	}
}

// proven has each of a pool's n connections answer something.
func (a *app) proven(pool *sqlpool.Pool, n int) {
	a.Helper()
	loans := make([]sqlpool.Loan, n)
	for i := range loans {
		var err error
		loans[i], err = pool.Acquire(a.ctx())
		a.must(err)
		a.must(loans[i].Conn().Exec(a.ctx(), "SELECT 1"))
	}
	for _, loan := range loans {
		a.must(loan.Release())
	}
}

// A connection that dies before the first statement costs the transaction nothing: it
// begins again on another one. After the first statement it does.
func TestATransactionThatSentNothingMovesToAnotherConnection(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.wired(&wires{}, a.dsn, sqlpool.Config{MaxConns: 2}, false)
		a.exec(db, "CREATE TABLE moved (n int)")
		for i, opts := range []*sql.TxOptions{nil, {Isolation: sql.LevelSerializable}} {
			for _, first := range []string{"exec", "args", "prepare"} {
				tx, err := db.BeginTx(a.ctx(), opts)
				a.must(err)
				a.terminate()
				switch first {
				case "exec":
					_, err = tx.Exec(fmt.Sprintf("INSERT INTO moved VALUES (%d)", i))
				case "args":
					_, err = tx.Exec("INSERT INTO moved VALUES ($1)", i)
				case "prepare":
					var stmt *sql.Stmt
					if stmt, err = tx.Prepare("INSERT INTO moved VALUES ($1)"); err == nil {
						_, err = stmt.Exec(i)
					}
				}
				if err != nil {
					a.Fatalf("%s: %v", first, err)
				}
				var level string
				a.must(tx.QueryRow("SHOW transaction_isolation").Scan(&level))
				if want := map[bool]string{true: "read committed", false: "serializable"}[opts == nil]; level != want {
					a.Errorf("%s: isolation level %q, want %q", first, level, want)
				}
				a.must(tx.Commit())
			}
		}
		tx, err := db.BeginTx(a.ctx(), nil)
		a.must(err)
		_, err = tx.Exec("INSERT INTO moved VALUES (10)")
		a.must(err)
		a.terminate()
		if _, err = tx.Exec("INSERT INTO moved VALUES (11)"); err == nil {
			a.Error("a second statement ran on another connection")
		}
		if err := tx.Commit(); err == nil {
			a.Error("COMMIT of a transaction that was lost succeeded")
		}
		var n, most int
		a.must(db.QueryRowContext(a.ctx(), "SELECT count(*), max(n) FROM moved").Scan(&n, &most))
		if n != 6 || most > 1 {
			a.Errorf("%d rows up to %d, want 6 up to 1", n, most)
		}
	})
}

// A connection that has died without a word to this side is found by a BEGIN, as by the drivers, and costs no
// statement: BEGIN waits for one only on a connection that has just answered.
func TestAConnectionThatVanishedCostsNoStatement(t *testing.T) {
	onEach(t, func(a *app) {
		for when, prepare := range map[string]func(w *wires, pool *sqlpool.Pool, db *sql.DB) *sql.Tx{
			"new": func(w *wires, pool *sqlpool.Pool, db *sql.DB) *sql.Tx {
				a.must(pool.Warm(a.ctx()))
				w.vanish()
				tx, err := db.BeginTx(a.ctx(), nil)
				a.must(err)
				return tx
			},
			"idle": func(w *wires, _ *sqlpool.Pool, db *sql.DB) *sql.Tx {
				a.exec(db, "SELECT 1")
				time.Sleep(recently)
				w.vanish()
				tx, err := db.BeginTx(a.ctx(), nil)
				a.must(err)
				return tx
			},
			"idle in a transaction": func(w *wires, _ *sqlpool.Pool, db *sql.DB) *sql.Tx {
				a.exec(db, "SELECT 1")
				tx, err := db.BeginTx(a.ctx(), nil)
				a.must(err)
				time.Sleep(recently)
				w.vanish()
				return tx
			},
		} {
			var w wires
			pool, db := a.wired(&w, a.dsn, sqlpool.Config{MaxConns: 2, MinIdle: 1}, false)
			a.exec(a.plain(), "DROP TABLE IF EXISTS vanished")
			a.exec(a.plain(), "CREATE TABLE vanished (n int)")
			tx := prepare(&w, pool, db)
			_, err := tx.Exec("INSERT INTO vanished VALUES ($1)", 1)
			if err != nil {
				a.Errorf("%s: the first statement: %v", when, err)
			}
			if err := tx.Commit(); err != nil {
				a.Errorf("%s: COMMIT: %v", when, err)
			}
			var n int
			a.must(a.plain().QueryRowContext(a.ctx(), "SELECT count(*) FROM vanished").Scan(&n))
			if n != 1 {
				a.Errorf("%s: %d rows, want 1", when, n)
			}
		}
	})
}

// A table's rule may add rows to the answer of an INSERT, which only a simple query returns.
func TestTheRowsOfARuleComeInATransactionToo(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.wired(&wires{}, a.dsn, sqlpool.Config{MaxConns: 1}, false)
		a.exec(db, "CREATE TABLE ruled (n int)")
		a.exec(db, "CREATE RULE told AS ON INSERT TO ruled DO ALSO SELECT NEW.n + 1 AS next")
		plain := a.plain()
		for _, text := range []string{"INSERT INTO ruled VALUES (1)", "/* who */ insert into ruled SELECT 1"} {
			var seen []string
			for _, db := range []*sql.DB{plain, db} {
				a.exec(db, "SELECT 1")
				tx, err := db.BeginTx(a.ctx(), nil)
				a.must(err)
				rows, err := tx.Query(text)
				seen = append(seen, readAll(rows, err).String())
				a.must(tx.Commit())
			}
			if seen[0] != seen[1] || a.adapter.name == "pq" && !strings.HasPrefix(seen[1], "[next]") {
				a.Errorf("%s: %s, and without the pool %s", text, seen[1], seen[0])
			}
		}
	})
}

// A transaction whose connection died before the first statement, and for which there is no
// other one, is lost: what follows does not run without that statement, and its COMMIT is no success.
func TestATransactionThatFindsNoOtherConnectionIsLost(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.wired(&wires{}, a.dsn, sqlpool.Config{MaxConns: 1}, false)
		a.exec(db, "CREATE TABLE stranded (n int)")
		tx, err := db.BeginTx(a.ctx(), nil)
		a.must(err)
		a.terminate()
		if _, err := tx.ExecContext(sqlpool.NoWait(a.ctx()), "INSERT INTO stranded VALUES (1)"); !errors.Is(err, sqlpool.ErrNoneIdle) {
			a.Errorf("the first statement: %v", err)
		}
		if _, err := tx.Exec("INSERT INTO stranded VALUES (2)"); !errors.Is(err, sqlpool.ErrConnLost) {
			a.Errorf("the second statement: %v", err)
		}
		if err := tx.Commit(); !errors.Is(err, sqlpool.ErrConnLost) {
			a.Errorf("COMMIT: %v", err)
		}
		var n int
		a.must(db.QueryRowContext(a.ctx(), "SELECT count(*) FROM stranded").Scan(&n))
		if n != 0 {
			a.Errorf("%d rows of a transaction whose first statement failed", n)
		}
	})
}

// A Prepare that sends nothing binds a transaction that has sent nothing to no connection.
func TestAPrepareThatSendsNothingLeavesTheTransactionFree(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.wired(&wires{}, a.dsn, sqlpool.Config{MaxConns: 2, Statements: sqlpool.StatementsAsText}, false)
		a.exec(db, "CREATE TABLE prepared (n int)")
		tx, err := db.BeginTx(a.ctx(), nil)
		a.must(err)
		stmt, err := tx.Prepare("INSERT INTO prepared VALUES ($1)")
		a.must(err)
		a.terminate()
		_, err = stmt.Exec(1)
		a.must(err)
		a.must(tx.Commit())
		var n int
		a.must(db.QueryRowContext(a.ctx(), "SELECT count(*) FROM prepared").Scan(&n))
		if n != 1 {
			a.Errorf("%d rows, want 1", n)
		}
	})
}

// A connection that comes back with a BEGIN that was never sent is not lent with it.
func TestAHeldBeginEndsWithItsLoan(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.wired(&wires{}, a.dsn, sqlpool.Config{MaxConns: 1}, false)
		a.exec(db, "CREATE TABLE lent (n int)")
		console := a.server.In(a.database)
		for i := range 20 {
			c, err := pool.Connector().Connect(a.ctx())
			a.must(err)
			if _, err := c.(driver.ConnBeginTx).BeginTx(a.ctx(), driver.TxOptions{}); err != nil {
				a.Fatal(err)
			}
			c.(driver.Validator).IsValid() // the loan is over
			a.exec(db, "INSERT INTO lent VALUES ($1)", i)
			rows, err := console.Query(a.ctx(), "SELECT count(*) FROM lent") // another session sees it at once
			a.must(err)
			if rows[0][0] != fmt.Sprint(i+1) {
				a.Fatalf("%s rows are committed after %d statements: one ran in a transaction of the borrower before it", rows[0][0], i+1)
			}
			a.must(c.Close())
		}
		if s := pool.Stats(); s.CloseCount != 0 {
			a.Errorf("it cost %d connections", s.CloseCount)
		}
	})
}

// A BEGIN that the server refuses is the first statement's error, with its SQLSTATE; what follows
// does not run, and the connection is good.
func TestARefusedBeginIsTheFirstStatementsError(t *testing.T) {
	primary := pgserver.Run(t, pgserver.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	standby, err := primary.StartStandby(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()
	for _, ad := range adapters {
		t.Run(ad.name, func(t *testing.T) {
			a := newApp(t, standby, "postgres", ad)
			w := &wires{}
			for _, eager := range []bool{true, false} {
				pool, db := a.wired(w, a.dsn, sqlpool.Config{MaxConns: 1}, eager)
				for _, query := range []string{"SELECT 1", "SELECT 1; SELECT 2", "SELECT $1::int", "prepare"} {
					a.exec(db, "SELECT 1")
					tx, err := db.BeginTx(a.ctx(), &sql.TxOptions{Isolation: sql.LevelSerializable})
					do := func() (err error) {
						switch query {
						case "prepare":
							_, err = tx.Prepare("SELECT 3")
						case "SELECT $1::int":
							_, err = tx.Exec(query, 1)
						default:
							_, err = tx.Exec(query)
						}
						return err
					}
					if eager {
						if stateOf(err) != "0A000" {
							a.Fatalf("eager: %v", err)
						}
						continue
					}
					a.must(err)
					if err := do(); stateOf(err) != "0A000" {
						a.Errorf("%s: %v", query, err)
					}
					if err := do(); stateOf(err) != "25P02" {
						a.Errorf("%s again: %v", query, err)
					}
					if err := tx.Commit(); err == nil {
						a.Errorf("%s: COMMIT succeeded", query)
					}
				}
				if !eager {
					a.refusedToRaw(db)
				}
				tx, err := db.BeginTx(a.ctx(), &sql.TxOptions{ReadOnly: true})
				a.must(err)
				var standby bool
				a.must(tx.QueryRow("SELECT pg_is_in_recovery()").Scan(&standby))
				a.must(tx.Commit())
				if s := pool.Stats(); s.CloseCount != 0 {
					a.Errorf("eager %v: it cost %d connections", eager, s.CloseCount)
				}
			}
		})
	}
}

// refusedToRaw begins what is refused, and goes on with the driver's own connection: its first statement
// has the error.
func (a *app) refusedToRaw(db *sql.DB) {
	a.Helper()
	a.exec(db, "SELECT 1")
	conn, err := db.Conn(a.ctx())
	a.must(err)
	defer conn.Close()
	tx, err := conn.BeginTx(a.ctx(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	a.must(err)
	var states []string
	switch a.adapter.name {
	case "pgx":
		a.must(pgxv5.Raw(conn, func(c *pgx.Conn) error {
			for range 2 {
				_, err := c.Exec(a.ctx(), "SELECT 1")
				states = append(states, stateOf(err))
			}
			return nil
		}))
	case "pq":
		a.must(libpq.Raw(conn, func(c driver.Conn) error {
			for range 2 {
				_, err := c.(driver.ExecerContext).ExecContext(a.ctx(), "SELECT 1", nil)
				states = append(states, stateOf(err))
			}
			return nil
		}))
	}
	if fmt.Sprint(states) != "[0A000 25P02]" {
		a.Errorf("Raw after a BEGIN that is refused: %v", states)
	}
	a.must(tx.Rollback())
}

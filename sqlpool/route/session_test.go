package route_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/sqlpool/route"
)

var pairs = flag.Int("route.pairs", 5000, "how many times TestASessionReadsItsOwnWrites writes and reads, on each driver")

// Each worker owns a row, counts it up in a session of its own each time, and reads it in that session and in an older
// one, while replay is paused on one replica after the other. No read may be older than its session.
func TestASessionReadsItsOwnWrites(t *testing.T) {
	c := ownCluster(t)
	forEachDriver(t, func(t *testing.T, name string) { readOwnWrites(t, c.open(t, name, route.Config{}, nil)) })
}

func readOwnWrites(t *testing.T, l *lab) {
	const workers = 8
	ctx := t.Context()
	if _, err := l.ExecContext(ctx, `DROP TABLE IF EXISTS counted; CREATE TABLE counted (id int PRIMARY KEY, n int NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ExecContext(ctx, `INSERT INTO counted SELECT i, 0 FROM generate_series(1, $1::int) AS i`, workers); err != nil {
		t.Fatal(err)
	}
	l.caughtUp(t)

	chaos, calm := context.WithCancel(context.Background())
	var delayed sync.WaitGroup
	delayed.Go(func() {
		for chaos.Err() == nil {
			r := l.replicas[rand.IntN(2)]
			for range rand.IntN(20) { // a question takes a connection: some milliseconds
				if err := r.Exec(ctx, `SELECT pg_wal_replay_pause()`); err != nil {
					t.Error(err)
				}
			}
			if err := r.Exec(ctx, `SELECT pg_wal_replay_resume()`); err != nil {
				t.Error(err)
			}
		}
	})

	type past struct {
		ctx context.Context
		n   int
	}
	var own, older, stale, without atomic.Int64
	var wg sync.WaitGroup
	for id := 1; id <= workers; id++ {
		wg.Go(func() {
			read := func(ctx context.Context) (n int, replica bool) {
				if err := l.QueryRowContext(route.Replica(ctx), `SELECT n, pg_is_in_recovery() FROM counted WHERE id = $1`, id).Scan(&n, &replica); err != nil {
					t.Error(err)
				}
				return n, replica
			}
			check := func(p past, onReplica *atomic.Int64) {
				n, replica := read(p.ctx)
				if n < p.n {
					stale.Add(1)
				}
				if replica {
					onReplica.Add(1)
				}
			}
			var sessions []past
			for n := 1; n <= *pairs/workers; n++ {
				p := past{route.Session(ctx), n}
				switch n % 3 { // a statement, one that returns rows, and a transaction
				case 0:
					if _, err := l.ExecContext(p.ctx, `UPDATE counted SET n = $1 WHERE id = $2`, n, id); err != nil {
						t.Error(err)
					}
				case 1:
					var is int
					if err := l.QueryRowContext(p.ctx, `UPDATE counted SET n = $1 WHERE id = $2 RETURNING n`, n, id).Scan(&is); err != nil {
						t.Error(err)
					}
				default:
					tx, err := l.BeginTx(p.ctx, nil)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := tx.ExecContext(ctx, `UPDATE counted SET n = $1 WHERE id = $2`, n, id); err != nil {
						t.Error(err)
					}
					if err := tx.Commit(); err != nil {
						t.Error(err)
					}
				}
				check(p, &own)
				if seen, _ := read(ctx); seen < n {
					without.Add(1)
				}
				if sessions = append(sessions, p); len(sessions) > 100 {
					check(sessions[rand.IntN(100)], &older)
					sessions = sessions[1:]
				}
			}
		})
	}
	wg.Wait()
	calm()
	delayed.Wait()
	t.Logf("%d pairs: %d stale; on replicas %d of the own and %d of the older sessions; without a session %d reads were stale",
		*pairs/workers*workers, stale.Load(), own.Load(), older.Load(), without.Load())
	if stale.Load() > 0 {
		t.Errorf("%d stale reads", stale.Load())
	}
	if older.Load() == 0 || without.Load() == 0 {
		t.Error("nothing was tried: no session read from a replica, or none was behind")
	}
}

func TestASessionReturnsToTheReplicas(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		ctx := route.Session(within(t))
		if got := l.server(t, route.Replica(ctx), l); !isReplica(got) {
			t.Errorf("a session that has written nothing reads from %s", got)
		}
		replay := func(does string) {
			for _, r := range l.replicas {
				mustExec(t, r, `SELECT pg_wal_replay_`+does+`()`)
			}
		}
		replay("pause") // else they may have it before the first read
		t.Cleanup(func() { replay("resume") })
		if _, err := l.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS returns (); INSERT INTO returns DEFAULT VALUES`); err != nil {
			t.Fatal(err)
		}
		if got := l.server(t, route.Replica(ctx), l); got != "primary" {
			t.Errorf("right after its write a session reads from %s", got)
		}
		if got, err := l.inTransaction(ctx); err != nil || got != "primary" {
			t.Errorf("right after its write a session's read-only transaction is on %s (%v)", got, err)
		}
		replay("resume")
		if err := l.router.Await(within(t), func(route.Snapshot) bool { return l.router.Reached(ctx) }); err != nil {
			t.Fatal(err)
		}
		if got := l.server(t, route.Replica(ctx), l); !isReplica(got) {
			t.Errorf("after both have replayed its write a session reads from %s", got)
		}
	})
}

// A token carries a session to another router, as to another process.
func TestATokenCarriesASession(t *testing.T) {
	c := ownCluster(t)
	here, there := c.open(t, "pgx", route.Config{}, nil), c.open(t, "pq", route.Config{}, nil)
	ctx := within(t)
	if _, err := here.ExecContext(ctx, `CREATE TABLE carried (n int)`); err != nil {
		t.Fatal(err)
	}
	here.caughtUp(t)
	for _, r := range c.replicas {
		mustExec(t, r, `SELECT pg_wal_replay_pause()`)
	}
	writer := route.Session(ctx)
	if token, err := here.router.Token(writer); err != nil || token != "" {
		t.Errorf("the token of a session without writes is %q (%v)", token, err)
	}
	if _, err := here.ExecContext(writer, `INSERT INTO carried VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	token, err := here.router.Token(writer)
	if err != nil || token == "" {
		t.Fatalf("token %q: %v", token, err)
	}
	reader, err := there.router.WithToken(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	count := func(ctx context.Context) (n int, replica bool) {
		if err := there.QueryRowContext(route.Replica(ctx), `SELECT count(*), pg_is_in_recovery() FROM carried`).Scan(&n, &replica); err != nil {
			t.Fatal(err)
		}
		return n, replica
	}
	if n, replica := count(ctx); n != 0 || !replica {
		t.Errorf("without the token %d rows, on a replica %v", n, replica)
	}
	if n, replica := count(reader); n != 1 || replica {
		t.Errorf("with the token %d rows, on a replica %v", n, replica)
	}
	if again, err := there.router.Token(reader); err != nil || again != token {
		t.Errorf("the token of a session that a token began is %q (%v), want %q", again, err, token)
	}
	for _, r := range c.replicas {
		mustExec(t, r, `SELECT pg_wal_replay_resume()`)
	}
	if err := there.router.Await(within(t), func(route.Snapshot) bool { return there.router.Reached(reader) }); err != nil {
		t.Fatal(err)
	}
	if n, replica := count(reader); n != 1 || !replica {
		t.Errorf("once replayed, with the token %d rows, on a replica %v", n, replica)
	}
	for _, wrong := range []string{"x", "1-0/", "1-0/1 ", "1--1/1", "1-1/2/3", "1-0/123456789", "1-FFFFFFFFF/1", "1-0x1/1", "0/1", "-0/1", "1-"} {
		if _, err := there.router.WithToken(ctx, wrong); err == nil {
			t.Errorf("WithToken(%q) is taken", wrong)
		}
	}
	if _, err := there.router.Token(ctx); err == nil {
		t.Error("a token of no session")
	}
}

// A browser that is redirected after its write finds it, though no replica has it: also when the handler's deferred calls
// end the write, after the header.
func TestABrowserFindsWhatItWrote(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		c := ownCluster(t)
		l := c.open(t, name, route.Config{}, nil)
		other := c.open(t, name, route.Config{}, nil)
		ctx := within(t)
		if _, err := l.ExecContext(ctx, `CREATE TABLE posts (n int)`); err != nil {
			t.Fatal(err)
		}
		l.caughtUp(t)
		for _, r := range c.replicas {
			mustExec(t, r, `SELECT pg_wal_replay_pause()`)
		}
		const insert = `INSERT INTO posts VALUES (1)`
		mux := http.NewServeMux()
		post := func(path string, f func(w http.ResponseWriter, req *http.Request) error) {
			mux.HandleFunc("POST "+path, func(w http.ResponseWriter, req *http.Request) {
				if err := f(w, req); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			})
		}
		redirect := func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, "/", http.StatusSeeOther) }
		post("/statement", func(w http.ResponseWriter, req *http.Request) error {
			_, err := l.ExecContext(req.Context(), insert)
			redirect(w, req)
			return err
		})
		post("/conn", func(w http.ResponseWriter, req *http.Request) error {
			conn, err := l.Conn(req.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = conn.ExecContext(req.Context(), insert)
			redirect(w, req)
			return err
		})
		post("/commit", func(w http.ResponseWriter, req *http.Request) (err error) {
			tx, err := l.BeginTx(req.Context(), nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, tx.Commit()) }()
			_, err = tx.ExecContext(req.Context(), insert)
			redirect(w, req)
			return err
		})
		post("/other", func(w http.ResponseWriter, req *http.Request) error {
			_, err := other.ExecContext(req.Context(), insert)
			redirect(w, req)
			return err
		})
		read := func(db *lab, w http.ResponseWriter, req *http.Request) {
			var n int
			var replica bool
			err := db.QueryRowContext(route.Replica(req.Context()), `SELECT count(*), pg_is_in_recovery() FROM posts`).Scan(&n, &replica)
			fmt.Fprint(w, n, replica, err)
		}
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, req *http.Request) { read(l, w, req) })
		mux.HandleFunc("GET /other", func(w http.ResponseWriter, req *http.Request) { read(other, w, req) })
		server := httptest.NewServer(other.router.Middleware("other", l.router.Middleware("after", mux)))
		defer server.Close()
		answer := func(resp *http.Response, err error) string {
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(body)
		}
		for i, path := range []string{"/statement", "/conn", "/commit"} {
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			browser := &http.Client{Jar: jar}
			if got := answer(browser.Get(server.URL)); !strings.HasPrefix(got, "0 true") {
				t.Errorf("before: %s", got)
			}
			if got, want := answer(browser.Post(server.URL+path, "", nil)), fmt.Sprint(i+1, " false"); !strings.HasPrefix(got, want) {
				t.Errorf("%s: redirected after its write it finds %s, want %s", path, got, want)
			}
			if got := answer((&http.Client{}).Get(server.URL)); !strings.HasPrefix(got, "0 true") {
				t.Errorf("another browser finds %s", got)
			}
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		browser := &http.Client{Jar: jar}
		answer(browser.Post(server.URL+"/other", "", nil))
		if got := answer(browser.Get(server.URL + "/other")); !strings.HasPrefix(got, "4 false") {
			t.Errorf("below two middlewares the outer one's write is not found: %s", got)
		}
	})
}

// A *sql.Conn that is still open has been told that its write is done: a token has it.
func TestATokenHasWhatAnOpenConnHasWritten(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		ctx := route.Session(within(t))
		conn, err := l.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS opened (n int); INSERT INTO opened VALUES (1)`); err != nil {
			t.Fatal(err)
		}
		var written string
		if err := conn.QueryRowContext(ctx, `SELECT pg_current_wal_lsn()::text`).Scan(&written); err != nil {
			t.Fatal(err)
		}
		token, err := l.router.Token(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if token == "" {
			t.Fatal("the token is that of a session which has written nothing")
		}
		var has bool
		if err := conn.QueryRowContext(ctx, `SELECT split_part($1, '-', 2)::pg_lsn >= $2::pg_lsn`, token, written).Scan(&has); err != nil {
			t.Fatal(err)
		}
		if !has {
			t.Errorf("the token %s lies before %s, where the write had ended", token, written)
		}
	})
}

// A mark says what a statement of a *sql.DB does. In a transaction, or on a *sql.Conn of the primary, it changes nothing: what
// it stands on there may write.
func TestAWriteUnderAMarkIsTheSessionsWhereMarksChangeNothing(t *testing.T) {
	c := ownCluster(t)
	forEachDriver(t, func(t *testing.T, name string) {
		for _, r := range c.replicas {
			mustExec(t, r, `SELECT pg_wal_replay_resume()`)
		}
		l := c.open(t, name, route.Config{MaxLag: time.Minute}, nil)
		ctx := within(t)
		if _, err := l.ExecContext(ctx, `DROP TABLE IF EXISTS marked; CREATE TABLE marked (n int)`); err != nil {
			t.Fatal(err)
		}
		l.caughtUp(t)
		for _, r := range c.replicas {
			mustExec(t, r, `SELECT pg_wal_replay_pause()`)
		}
		const insert = `INSERT INTO marked VALUES (1)`
		exec := func(ctx context.Context, on interface {
			ExecContext(context.Context, string, ...any) (sql.Result, error)
		}) {
			t.Helper()
			if _, err := on.ExecContext(ctx, insert); err != nil {
				t.Fatal(err)
			}
		}
		for i, write := range []func(marked context.Context){
			func(marked context.Context) {
				tx, err := l.BeginTx(ctx, nil)
				if err != nil {
					t.Fatal(err)
				}
				exec(marked, tx)
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
			},
			func(marked context.Context) {
				conn, err := l.Conn(ctx)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				exec(marked, conn)
			},
		} {
			session := route.Replica(route.Session(ctx))
			write(session)
			var n int
			if err := l.QueryRowContext(session, `SELECT count(*) FROM marked`).Scan(&n); err != nil || n != i+1 {
				t.Errorf("after write %d its session finds %d rows (%v)", i+1, n, err)
			}
		}
	})
}

// A read-only transaction on the primary writes nothing: its session's reads stay on the replicas.
func TestAReadOnlyTransactionIsNoWrite(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		l := sharedCluster(t).open(t, name, route.Config{}, nil)
		ctx := route.Session(within(t))
		for _, opts := range []*sql.TxOptions{{ReadOnly: true}, {ReadOnly: true, Isolation: sql.LevelSerializable}} {
			tx, err := l.BeginTx(route.Primary(ctx), opts)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.server(t, ctx, tx); got != "primary" {
				t.Errorf("a transaction under Primary on %s", got)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if got := l.server(t, route.Replica(ctx), l); !isReplica(got) {
				t.Errorf("after a read-only transaction a session reads from %s", got)
			}
		}
	})
}

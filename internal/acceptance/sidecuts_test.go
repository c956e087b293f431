package acceptance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"

	"github.com/sqlpool/go/sqlpool"
)

// due is a context that ends when the test says so, cancelled or past its deadline.
type due struct {
	done chan struct{}
	once sync.Once
	err  error
}

func newDue(err error) *due { return &due{done: make(chan struct{}), err: err} }

func (d *due) end()                  { d.once.Do(func() { close(d.done) }) }
func (d *due) Done() <-chan struct{} { return d.done }
func (d *due) Value(any) any         { return nil }

func (d *due) Deadline() (time.Time, bool) {
	return time.Now().Add(time.Hour), d.err == context.DeadlineExceeded
}

func (d *due) Err() error {
	select {
	case <-d.done:
		return d.err
	default:
		return nil
	}
}

// watcher looks at a side's database from beside it, and holds the lock that a
// statement to be cut waits for.
type watcher struct {
	*sql.DB
	lock *sql.Conn
}

func (w *walk) watch(dsn string) *watcher {
	db, err := sql.Open("postgres", dsn)
	w.must(err)
	w.Cleanup(func() { db.Close() })
	lock, err := db.Conn(w.ctx())
	w.must(err)
	for _, command := range []string{
		"SELECT pg_advisory_lock(1)",
		"CREATE TABLE IF NOT EXISTS public.slow (n int)",
		`CREATE OR REPLACE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$`,
		"DROP TRIGGER IF EXISTS late ON public.slow",
		"CREATE CONSTRAINT TRIGGER late AFTER INSERT ON public.slow INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.wait()",
	} {
		_, err := lock.ExecContext(w.ctx(), command)
		w.must(err)
	}
	return &watcher{db, lock}
}

// close gives the lock to the watcher of the next walk.
func (w *watcher) close() { _ = errors.Join(w.lock.Close(), w.Close()) }

// waits reports whether a statement waits for the lock.
func (w *watcher) waits() (waits bool, err error) {
	err = w.QueryRow(`SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waits)
	return waits, err
}

// kept is what the tables hold, once no statement waits any more.
func (w *watcher) kept() (string, error) {
	for start := time.Now(); ; {
		if waits, err := w.waits(); err != nil {
			return "", err
		} else if !waits {
			break
		} else if time.Since(start) > watchdog {
			return "", errors.New("a statement waits although its context has ended")
		}
	}
	var tables string
	err := w.QueryRow(`SELECT coalesce(string_agg(format('SELECT %L || t::text AS line FROM %s t', c.oid::regclass, c.oid::regclass), ' UNION ALL '), 'SELECT NULL')
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND nspname IN ('public', 's1', 's2')`).Scan(&tables)
	if err != nil {
		return "", err
	}
	var lines sql.NullString
	err = w.QueryRow("SELECT string_agg(line, ' ' ORDER BY line) FROM (" + tables + ") a").Scan(&lines)
	return lines.String, err
}

// during has a context end once the statement waits for the lock, if it ever does, and the first of its
// rows have come.
func (s *side) during(ctx *due, do func(came func()) answer) answer {
	var first atomic.Bool
	result := make(chan answer, 1)
	go func() { result <- do(func() { first.Store(true) }) }()
	for start := time.Now(); ; {
		select {
		case a := <-result:
			return a
		default:
		}
		waits, err := s.watcher.waits()
		if err != nil || time.Since(start) > watchdog {
			return answer{"the watcher says", fmt.Errorf("it does not wait, %w", err)}
		}
		if waits && first.Load() {
			break
		}
	}
	ctx.end()
	select {
	case a := <-result:
		return a
	case <-time.After(watchdog):
		return answer{"", errors.New("it does not return although its context has ended")}
	}
}

const (
	rollback = "end, commit false"
	giveBack = "giving back the Conn of what was cut"
)

// cutKinds are what a context's end meets. The last two need the transaction's context.
var cutKinds = []string{"exec", "exec with arguments", "query with arguments", "write", "statement", "rows", "rows that are not read", "commit", "idle"}

// The statements wait for the lock. Each has a mark behind it, and so a text of its own, of which no driver
// has kept anything.
const (
	toLock   = "SELECT pg_advisory_xact_lock(1) -- "
	toLockBy = "SELECT pg_advisory_xact_lock($1) -- "
	toWrite  = "INSERT INTO public.log SELECT 'cut' || pg_advisory_xact_lock($1)::text -- "
	toStream = "SELECT n, CASE WHEN n > 2000 THEN pg_advisory_xact_lock($1)::text END FROM generate_series(1, 2001) n -- "
)

// cut executes a statement whose context ends while it waits.
func (s *side) cut(ctx *due, kind, mark string) answer {
	exec := func(text string, args ...any) answer {
		_, err := s.scope().ExecContext(ctx, text+mark, args...)
		return answer{"executed", err}
	}
	return s.during(ctx, func(came func()) answer {
		if !strings.HasPrefix(kind, "rows") {
			came()
		}
		switch kind {
		case "exec":
			return exec(toLock)
		case "exec with arguments":
			return exec(toLockBy, 1)
		case "query with arguments":
			rows, err := s.scope().QueryContext(ctx, toLockBy+mark, 1)
			return readAll(rows, err)
		case "write":
			return exec(toWrite, 1)
		case "statement":
			stmt, err := s.scope().PrepareContext(context.Background(), toLockBy+mark)
			if err != nil {
				return answer{"Prepare", err}
			}
			_, err = stmt.ExecContext(ctx, 1)
			_ = stmt.Close()
			return answer{"executed", err}
		case "rows", "rows that are not read":
			rows, err := s.scope().QueryContext(ctx, toStream+mark, 1)
			return readSome(ctx, came, rows, err, kind == "rows")
		case "commit":
			if _, err := s.tx.Exec("INSERT INTO public.slow VALUES (1)"); err != nil {
				_ = s.tx.Rollback()
				return answer{"INSERT", err}
			}
			return answer{"committed", s.tx.Commit()}
		}
		ctx.end()
		return answer{}
	})
}

// readSome reads rows of which the first have come, and goes on before the context ends
// or afterwards. How many it gets is not known, and not told.
func readSome(ctx *due, came func(), rows *sql.Rows, err error, on bool) answer {
	if err != nil {
		return answer{"Query", err}
	}
	var seen strings.Builder
	for i := 1; rows.Next(); i++ {
		var n int
		var lock sql.NullString
		if err := rows.Scan(&n, &lock); err != nil {
			if ctx.Err() == nil {
				fmt.Fprint(&seen, " Scan: ", err)
			}
			break // database/sql has closed the rows
		}
		if n != i {
			fmt.Fprint(&seen, " row ", i, " is ", n)
		}
		if i == 3 {
			if came(); !on {
				<-ctx.Done()
			}
		}
	}
	return answer{"rows" + seen.String(), errors.Join(rows.Err(), rows.Close())}
}

// cut draws what is cut: a statement, outside or in a transaction, rows, an idle transaction or its COMMIT.
// A transaction is over then on both sides.
func (w *walk) cut() step {
	w.cuts++
	inTx := w.plain.tx != nil
	kind, err := cutKinds[w.rng.IntN(len(cutKinds)-2)], []error{context.Canceled, context.DeadlineExceeded}[w.rng.IntN(2)]
	bound := inTx && w.plain.ending != nil && w.rng.IntN(2) == 0
	if bound {
		err = w.plain.ending.err
		if w.rng.IntN(2) == 0 {
			kind = cutKinds[len(cutKinds)-1-w.rng.IntN(2)]
		}
	}
	mark := fmt.Sprint(w.cuts)
	name := fmt.Sprintf("cut %s: %s, in a transaction %v, by its context %v, %v", mark, kind, inTx, bound, err)
	return step{name: name, cuts: kind, do: func(s *side) answer {
		ctx := newDue(err)
		if bound {
			ctx = s.ending
		}
		return s.cut(ctx, kind, mark)
	}}
}

// afterCut sees that a transaction that was cut is over, and wrote the same on both sides.
func (w *walk) afterCut(kind string) bool {
	if w.plain.tx != nil {
		commit, over := w.rng.IntN(2) == 0, error(nil)
		if w.plain.ending != nil {
			over = w.plain.ending.Err()
		}
		if kind == "commit" {
			for _, s := range []*side{w.plain, w.pooled} {
				s.tx, s.ending = nil, nil
			}
			w.forgetScoped()
		} else if !w.both(step{name: "the next statement", do: text("SELECT 1"), lost: true, over: over}) {
			return false
		} else if end := w.end(commit); !w.both(step{name: end.name, do: end.do, lost: true, over: over}) {
			return false
		}
	}
	if w.plain.conn != nil {
		if end := w.end(false); !w.both(step{name: giveBack, do: end.do, lost: true}) {
			return false
		}
	}
	return w.both(step{name: "another session", do: func(s *side) (a answer) {
		for _, command := range []string{"DISCARD ALL", "SET lc_messages = 'C'", "SET statement_timeout = '20s'"} {
			_, err := s.db.Exec(command)
			a.err = errors.Join(a.err, err)
		}
		return a
	}}) && w.both(step{name: "what is kept", do: func(s *side) (a answer) {
		a.seen, a.err = s.watcher.kept()
		return a
	}})
}

// lost reports whether the two may say this of a transaction that was cut.
func (w *walk) lost(st step, plain, pooled error) bool {
	if st.name == giveBack { // database/sql does that itself when a connection is lost, and the pool has kept it or goes on with another
		return plain == sql.ErrConnDone && pooled == nil
	}
	if st.over != nil {
		// database/sql says the context's error until it has rolled back, and ErrTxDone from then on.
		over := func(err error) bool { return errors.Is(err, sql.ErrTxDone) || errors.Is(err, st.over) }
		return over(plain) && over(pooled)
	}
	// lib/pq keeps the connection of a *sql.Stmt that was cancelled. The pool gives it up where the cancel request
	// is not known to be over: it could cancel what comes next.
	if errors.Is(pooled, sqlpool.ErrConnLost) && (stateOf(plain) == "25P02" || errors.Is(plain, pq.ErrInFailedTransaction) || st.name == rollback && plain == nil) {
		return w.adapter.name == "pq"
	}
	// The plain driver has given the connection up, and says so or tells the context's error. The pool
	// names what was lost, or has kept the connection, whose transaction has failed.
	if plain == nil || !errors.Is(plain, driver.ErrBadConn) && !errors.Is(plain, context.Canceled) && !errors.Is(plain, context.DeadlineExceeded) &&
		!strings.Contains(plain.Error(), "conn closed") {
		return false
	}
	return errors.Is(pooled, sqlpool.ErrConnLost) || stateOf(pooled) == "25P02" || errors.Is(pooled, pq.ErrInFailedTransaction) ||
		st.name == rollback && pooled == nil
}

package leak_test

import (
	"context"
	"database/sql"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// reports collects what a detector reports.
type reports struct {
	mu  sync.Mutex
	all []leak.Report
}

func (r *reports) add(rep leak.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, rep)
}

func (r *reports) take() []leak.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

// open opens a *sql.DB with a detector on a fake database, inside a bubble.
func open(t *testing.T, cfg leak.Config, pool sqlpool.Config) (*leak.Detector, *sqlpool.Pool, *sql.DB, *reports) {
	t.Helper()
	got := &reports{}
	cfg.Report = got.add
	d := leak.New(cfg)
	pool.Connector = fakedb.New().Connector()
	pool.Name = "app"
	pool.Hooks = append(pool.Hooks, d.Hooks())
	p, err := sqlpool.New(pool)
	if err != nil {
		t.Fatal(err)
	}
	db := sqlpool.OpenDB(p)
	t.Cleanup(func() { db.Close() })
	return d, p, db, got
}

//go:noinline
func leakRows(t *testing.T, db *sql.DB) func() {
	rows, err := db.Query("SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	return func() { rows.Close() }
}

//go:noinline
func leakTx(t *testing.T, db *sql.DB) func() {
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("UPDATE things"); err != nil {
		t.Fatal(err)
	}
	return func() { tx.Rollback() }
}

//go:noinline
func leakConn(t *testing.T, db *sql.DB) func() {
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(context.Background(), "SET x=1"); err != nil {
		t.Fatal(err)
	}
	return func() { conn.Close() }
}

//go:noinline
func leakStmtRows(t *testing.T, db *sql.DB) func() {
	stmt, err := db.Prepare("SELECT 7")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := stmt.Query()
	if err != nil {
		t.Fatal(err)
	}
	return func() { rows.Close(); stmt.Close() }
}

type leaker struct {
	name      string
	leak      func(*testing.T, *sql.DB) func()
	statement string
	inTx      bool
}

var leakers = []leaker{
	{"leakRows", leakRows, "SELECT 1", false},
	{"leakTx", leakTx, "UPDATE things", true},
	{"leakConn", leakConn, "SET x=1", false},
	{"leakStmtRows", leakStmtRows, "SELECT 7", false},
}

func TestALeakNamesTheFunctionThatLeaks(t *testing.T) {
	for _, limits := range []struct{ open, idle int }{{0, 128}, {0, 0}, {3, 1}, {1, 0}} {
		for _, l := range leakers {
			t.Run(l.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d, _, db, got := open(t, leak.Config{}, sqlpool.Config{MaxConns: 2})
					db.SetMaxOpenConns(limits.open)
					db.SetMaxIdleConns(limits.idle)
					giveBack := l.leak(t, db)
					time.Sleep(29 * time.Second)
					if all := got.take(); len(all) != 0 {
						t.Fatalf("reported after 29 s: %v", all)
					}
					time.Sleep(3 * time.Second)
					all := got.take()
					if len(all) != 1 {
						t.Fatalf("%d reports, want 1: %v", len(all), all)
					}
					r := all[0]
					if len(r.Stack) == 0 || !strings.HasSuffix(r.Stack[0].Function, "leak_test."+l.name) {
						t.Errorf("the first frame is not %s:\n%v", l.name, r)
					}
					if r.LastStatement != l.statement || r.InTransaction != l.inTx || r.Pool != "app" || r.Returned {
						t.Errorf("report %+v", r)
					}
					if d.Leaks() != 1 || len(d.Holders()) != 1 {
						t.Errorf("%d leaks, %d holders", d.Leaks(), len(d.Holders()))
					}
					time.Sleep(time.Minute)
					if again := got.take(); len(again) != 0 {
						t.Errorf("reported again: %v", again)
					}
					giveBack()
					synctest.Wait()
					back := got.take()
					if len(back) != 1 || !back[0].Returned || back[0].Held < 90*time.Second {
						t.Errorf("no notice of the return: %v", back)
					}
					if d.Leaks() != 0 {
						t.Errorf("%d leaks after the return", d.Leaks())
					}
				})
			})
		}
	}
}

func TestArmedCapturesFromTheFirstLeakOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, db, got := open(t, leak.Config{Capture: leak.Armed, After: time.Second}, sqlpool.Config{MaxConns: 2})
		defer leakRows(t, db)()
		time.Sleep(3 * time.Second)
		defer leakTx(t, db)()
		time.Sleep(3 * time.Second)
		all := got.take()
		if len(all) != 2 || len(all[0].Stack) != 0 || len(all[1].Stack) == 0 {
			t.Errorf("want a report without and one with a stack: %v", all)
		}
	})
}

func TestSampledCapturesOneInN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, db, _ := open(t, leak.Config{Capture: leak.Sampled, SampleEvery: 3}, sqlpool.Config{MaxConns: 9})
		with := 0
		for range 9 {
			defer leakRows(t, db)()
		}
		for _, h := range d.Holders() {
			if len(h.Stack) > 0 {
				with++
			}
		}
		if with != 3 {
			t.Errorf("%d of 9 loans have a stack, want 3", with)
		}
	})
}

func TestReclaimFreesTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p, db, got := open(t, leak.Config{After: time.Second, Reclaim: true}, sqlpool.Config{MaxConns: 1})
		giveBack := leakTx(t, db)
		if _, err := db.Exec("noop"); err != nil { // waits for the reclaimed slot
			t.Fatal(err)
		}
		giveBack()
		synctest.Wait()
		if s := p.Stats(); s.MisuseCount != 0 || s.Open != 1 || s.CloseCount != 1 {
			t.Errorf("after the late return: %+v", s)
		}
		if all := got.take(); len(all) != 2 || all[0].Reclaimed || !all[1].Reclaimed {
			t.Errorf("want a report of the leak and one of the reclaim: %v", all)
		}
	})
}

func TestANegativeAfterTurnsItOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, db, got := open(t, leak.Config{After: -1}, sqlpool.Config{MaxConns: 1})
		giveBack := leakRows(t, db)
		time.Sleep(time.Hour)
		giveBack()
		if len(got.take()) != 0 || d.Leaks() != 0 {
			t.Error("reported")
		}
	})
}

func TestStatementsCanBeHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, db, _ := open(t, leak.Config{HideStatements: true}, sqlpool.Config{MaxConns: 1})
		defer leakRows(t, db)()
		if h := d.Holders(); len(h) != 1 || h[0].LastStatement != "" {
			t.Errorf("%v", h)
		}
	})
}

func TestAnAcquireTimeoutNamesWhereTheHolderAcquired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, db, _ := open(t, leak.Config{}, sqlpool.Config{MaxConns: 1, AcquireTimeout: time.Second})
		defer leakTx(t, db)()
		_, err := db.Exec("noop")
		if err == nil || !strings.Contains(err.Error(), "leak_test.leakTx") {
			t.Errorf("error %v", err)
		}
	})
}

func TestTheProfileHoldsWhatIsOut(t *testing.T) {
	d := leak.New(leak.Config{Profile: true})
	p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), Hooks: []sqlpool.Hooks{d.Hooks()}})
	if err != nil {
		t.Fatal(err)
	}
	db := sqlpool.OpenDB(p)
	defer db.Close()
	leak.New(leak.Config{Profile: true}) // the profile is the process's: a second detector must not panic
	giveBack := leakRows(t, db)
	profile := pprof.Lookup(leak.ProfileName)
	if profile == nil || profile.Count() != 1 {
		t.Fatalf("profile %v", profile)
	}
	var text strings.Builder
	if err := profile.WriteTo(&text, 1); err != nil || !strings.Contains(text.String(), "leakRows") {
		t.Errorf("%v\n%s", err, text.String())
	}
	giveBack()
	for profile.Count() != 0 {
		runtime.Gosched()
	}
}

//go:noinline
func leakLoan(t *testing.T, p *sqlpool.Pool) func() {
	loan, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return func() { loan.Release() }
}

// go tool pprof -top counts a stack for its first function.
func TestTheProfileBeginsAtTheFunctionThatLeaks(t *testing.T) {
	d := leak.New(leak.Config{Profile: true})
	p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), MaxConns: 2, Hooks: []sqlpool.Hooks{d.Hooks()}})
	if err != nil {
		t.Fatal(err)
	}
	db := sqlpool.OpenDB(p)
	defer db.Close()
	viaPool := func(t *testing.T, _ *sql.DB) func() { return leakLoan(t, p) }
	inlined := func(t *testing.T, _ *sql.DB) func() {
		loan, err := acquireInlined(p)
		if err != nil {
			t.Fatal(err)
		}
		return func() { loan.Release() }
	}
	profile := pprof.Lookup(leak.ProfileName)
	for _, turn := range []string{"on a new connection", "after a loan", "on a kept connection"} {
		for _, l := range slices.Concat(leakers, []leaker{{"leakLoan", viaPool, "", false}, {"acquireInlined", inlined, "", false}}) {
			t.Run(l.name+" "+turn, func(t *testing.T) {
				if turn == "on a kept connection" { // the session takes it up again without the pool
					if _, err := db.Exec("noop"); err != nil {
						t.Fatal(err)
					}
				}
				giveBack := l.leak(t, db)
				var text strings.Builder
				if err := profile.WriteTo(&text, 1); err != nil {
					t.Fatal(err)
				}
				lines := strings.Split(text.String(), "\n") // a head, a line of addresses, a line a frame
				if len(lines) < 3 || !strings.Contains(lines[2], "leak_test."+l.name+"+") {
					t.Errorf("the first frame is not %s:\n%s", l.name, text.String())
				}
				giveBack()
				for profile.Count() != 0 {
					runtime.Gosched()
				}
			})
		}
	}
}

func TestCaptureAllocatesNothing(t *testing.T) {
	d := leak.New(leak.Config{})
	p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.Instant(), Hooks: []sqlpool.Hooks{d.Hooks()}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx := context.Background()
	cycle := func() {
		loan, err := p.Acquire(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := loan.Release(); err != nil {
			t.Fatal(err)
		}
	}
	cycle()
	if n := testing.AllocsPerRun(100, cycle); n != 0 {
		t.Errorf("%v allocations for an acquire and release with capture always on, want 0", n)
	}
}

// What the compiler inlines still has its name in the stack.
func acquireInlined(p *sqlpool.Pool) (sqlpool.Loan, error) { return p.Acquire(context.Background()) }

func TestInlinedFunctionsAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, p, _, _ := open(t, leak.Config{}, sqlpool.Config{})
		loan, err := acquireInlined(p)
		if err != nil {
			t.Fatal(err)
		}
		defer loan.Release()
		stack := d.Holders()[0].Stack
		if len(stack) < 2 || !strings.HasSuffix(stack[0].Function, "acquireInlined") || !strings.Contains(stack[1].Function, "TestInlinedFunctionsAreNamed") {
			t.Errorf("%+v", stack)
		}
	})
}

// store has a method that the compiler wraps for its pointer.
type store struct {
	db *sql.DB
	t  *testing.T
}

//go:noinline
func (s store) leak() func() { return leakRows(s.t, s.db) }

//go:noinline
func leakThrough(l interface{ leak() func() }) func() { return l.leak() }

func TestMethodsOfTheCompilerAreNotInAStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, db, _ := open(t, leak.Config{}, sqlpool.Config{})
		defer leakThrough(&store{db, t})()
		stack := d.Holders()[0].Stack
		if len(stack) < 3 || !strings.HasSuffix(stack[1].Function, "store.leak") || !strings.HasSuffix(stack[2].Function, "leakThrough") {
			t.Errorf("%+v", stack)
		}
	})
}

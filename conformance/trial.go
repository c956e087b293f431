package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// trial is one rule on one target: what its check has in hand. The check runs
// in a goroutine of its own; other goroutines that it starts with spawn have
// ended when the trial is over, unless they hang.
type trial struct {
	ctx    context.Context // ends with the watchdog, or the check
	stop   context.CancelFunc
	target *Target
	rule   Rule

	mu       sync.Mutex // protects what follows
	failures []string
	over     bool // the check has ended: later failures are its end's
	skipped  string
	cleanups []func()
	tables   int

	reader *sql.DB // see look
	watch  *Probe
	work   sync.WaitGroup
}

// errorf notes what was seen. The check goes on.
func (x *trial) errorf(format string, args ...any) {
	x.mu.Lock()
	over := x.over
	x.mu.Unlock()
	if !over {
		x.note(format, args...)
	}
}

func (x *trial) note(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.failures = append(x.failures, fmt.Sprintf(format, args...))
}

// fatalf is errorf, and the end of the calling goroutine.
func (x *trial) fatalf(format string, args ...any) {
	x.errorf(format, args...)
	runtime.Goexit()
}

// skipf ends the check: the target turned out not to offer what it needs.
func (x *trial) skipf(format string, args ...any) {
	x.mu.Lock()
	x.skipped = fmt.Sprintf(format, args...)
	x.mu.Unlock()
	runtime.Goexit()
}

// must ends the check when something failed that is not its subject.
func (x *trial) must(doing string, err error) {
	if err != nil {
		x.fatalf("%s: %v", doing, err)
	}
}

// spawn runs f beside the check.
func (x *trial) spawn(f func()) {
	x.work.Go(func() {
		defer x.caught()
		f()
	})
}

// cleanup has f called when the check is over, the last one first.
func (x *trial) cleanup(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cleanups = append(x.cleanups, f)
}

// until waits for a condition that is about to come about. What it waits for
// has no event of its own; the watchdog, and no tuned time, says when it will
// not come any more.
func (x *trial) until(what string, condition func() bool) {
	for pause := time.Millisecond; !condition(); pause = min(pause*9/8, 20*time.Millisecond) {
		select {
		case <-x.ctx.Done():
			x.fatalf("it did not come about that %s", what)
		case <-time.After(pause):
		}
	}
}

// probe watches the driver below the databases that open opens from now on.
func (x *trial) probe() *Probe {
	if x.watch == nil {
		x.watch = newProbe()
	}
	return x.watch
}

// open opens the database under test. It is closed when the check is over.
func (x *trial) open(s Settings) *Subject {
	s.Connector = x.target.Connector
	if x.watch != nil {
		s.Probe = x.watch
		s.Connector = x.watch.Connector(s.Connector)
	}
	open := x.target.Open
	if open == nil {
		open = OpenPool
	}
	subject, err := open(s)
	var lacking Lacking
	if errors.As(err, &lacking) {
		x.skipf("%v", err)
	}
	x.must("opening the database under test", err)
	x.cleanup(func() {
		if x.watch != nil {
			x.watch.letGo()
		}
		_ = subject.Close()
	})
	return subject
}

// plain opens the same driver behind package sql alone, for comparison.
func (x *trial) plain() *sql.DB {
	db := sql.OpenDB(x.target.Connector)
	x.cleanup(func() { _ = db.Close() })
	return db
}

// look is a database beside the pool, for what a check reads again and again: one
// connection for all of the trial.
func (x *trial) look() *sql.DB {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.reader == nil {
		db := sql.OpenDB(x.target.Connector)
		db.SetMaxOpenConns(1)
		x.reader = db
		x.cleanups = append(x.cleanups, func() { _ = db.Close() })
	}
	return x.reader
}

// name is a name for something in the database that no other trial uses.
func (x *trial) name() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tables++
	id := strings.ToLower(strings.ReplaceAll(x.rule.ID, "-", "_"))
	return fmt.Sprintf("c_%s_%s_%d", id, x.target.run, x.tables)
}

// table makes a table of its own and returns its name. Where the database has
// schemas it stands in one of its own.
func (x *trial) table(columns string) string {
	d, name := x.target.Dialect, x.name()
	db := sql.OpenDB(x.target.Connector)
	defer db.Close()
	exec := func(doing, query string) {
		_, err := db.ExecContext(x.ctx, query)
		x.must(doing, err)
	}
	if d.CreateSchema != "" {
		exec("making a schema", fmt.Sprintf(d.CreateSchema, name))
		x.cleanup(func() { x.tidy(fmt.Sprintf(d.DropSchema, name)) })
		name += ".t"
	} else {
		x.cleanup(func() { x.tidy("DROP TABLE " + name) })
	}
	exec("making a table", "CREATE TABLE "+name+" ("+columns+")")
	return name
}

// tidy has a moment of its own: the watchdog may have ended the trial's.
func (x *trial) tidy(query string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	db := sql.OpenDB(x.target.Connector)
	defer db.Close()
	_, _ = db.ExecContext(ctx, query)
}

package workload

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
)

// Load says how hard and how long to work. Exactly one of Duration and Operations is set.
type Load struct {
	Goroutines int
	Duration   time.Duration // start nothing new after it
	Operations int           // all goroutines together
	Seed       uint64        // of what is done to which account; the order between goroutines is free
	Deadline   time.Duration // of each operation; 0 is none

	mix mix // nil is the usual one
}

// Counts is what a run has done so far.
type Counts struct {
	Transfers  int64 `json:"transfers"`  // acknowledged
	Refused    int64 `json:"refused"`    // rolled back: the account did not hold enough
	Reads      int64 `json:"reads"`      // one balance, or the last transfers of an account
	Audits     int64 `json:"audits"`     // the sum over all accounts, while money moves
	Cancelled  int64 `json:"cancelled"`  // operations ended by their context, as planned
	Statements int64 `json:"statements"` // executions, BEGIN and COMMIT not counted
}

// Run is a workload at work, or its result after Wait.
type Run struct {
	bank *Bank
	db   *sql.DB
	load Load

	transfers, refused, reads, audits, cancelled, statements atomic.Int64

	wrongSums atomic.Int64 // audits that did not find Bank.Total
	trouble   trouble
	book      ledger.Book // what each transfer's caller was told

	began time.Time
	took  time.Duration // set when done is closed
	left  atomic.Int64  // operations still to start, with Load.Operations
	ended atomic.Bool   // by Stop
	done  chan struct{}

	statement statements
}

// statements are prepared once for all goroutines, as a program's are.
type statements struct{ lock, debit, credit, balance, note *sql.Stmt }

// Start prepares the statements and starts the goroutines. The caller must Wait. Everything runs under ctx: when it
// ends, what is under way ends with it.
func (b *Bank) Start(ctx context.Context, db *sql.DB, load Load) (*Run, error) {
	if load.mix == nil {
		load.mix = usual
	}
	r := &Run{bank: b, db: db, load: load, done: make(chan struct{})}
	for query, to := range map[string]**sql.Stmt{
		// In the order of the numbers, whichever account pays: two transfers never wait for each other in a circle.
		"SELECT id, balance FROM bank.accounts WHERE id IN ($1, $2) ORDER BY id FOR UPDATE": &r.statement.lock,
		"UPDATE bank.accounts SET balance = balance - $1 WHERE id = $2":                     &r.statement.debit,
		"UPDATE bank.accounts SET balance = balance + $1 WHERE id = $2":                     &r.statement.credit,
		"SELECT balance FROM bank.accounts WHERE id = $1":                                   &r.statement.balance,
		note: &r.statement.note,
	} {
		stmt, err := db.PrepareContext(ctx, b.in(query))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("preparing a statement: %w", err), r.statement.close())
		}
		*to = stmt
	}
	r.began = time.Now()
	r.left.Store(int64(load.Operations))
	var workers sync.WaitGroup
	for i := range load.Goroutines {
		w := newWorker(r, i, load.Seed)
		workers.Go(func() { w.work(ctx) })
	}
	go func() {
		defer close(r.done)
		workers.Wait()
		r.took = time.Since(r.began)
	}()
	return r, nil
}

// more reports whether another operation is to be started.
func (r *Run) more() bool {
	switch {
	case r.ended.Load():
		return false
	case r.load.Operations > 0:
		return r.left.Add(-1) >= 0
	}
	return time.Since(r.began) < r.load.Duration
}

// Stop starts nothing new. What is under way goes on.
func (r *Run) Stop() { r.ended.Store(true) }

// Done is closed when the last goroutine has ended.
func (r *Run) Done() <-chan struct{} { return r.done }

// Wait waits for Done and closes the statements.
func (r *Run) Wait() {
	<-r.done
	if err := r.statement.close(); err != nil {
		r.trouble.note("closing a statement", err)
	}
}

// Counts returns what has been done so far. Any goroutine, any time.
func (r *Run) Counts() Counts {
	return Counts{
		Transfers: r.transfers.Load(), Refused: r.refused.Load(), Reads: r.reads.Load(), Audits: r.audits.Load(),
		Cancelled: r.cancelled.Load(), Statements: r.statements.Load(),
	}
}

// Took is how long the run has lasted so far, or did last.
func (r *Run) Took() time.Duration {
	select {
	case <-r.done:
		return r.took
	default:
		return time.Since(r.began)
	}
}

func (s statements) close() error {
	var all error
	for _, stmt := range []*sql.Stmt{s.lock, s.debit, s.credit, s.balance, s.note} {
		if stmt != nil {
			all = errors.Join(all, stmt.Close())
		}
	}
	return all
}

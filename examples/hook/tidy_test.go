package hook_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/sqlpool/go/sqlpool"
)

// Tidy gives every session its memory limit, and drops its temporary tables
// after every n-th loan. It may serve several pools.
type Tidy struct {
	workMem string
	every   int
	runs    atomic.Int64
}

// NewTidy returns a Tidy. It panics when every is not at least 1.
func NewTidy(workMem string, every int) *Tidy {
	if every < 1 {
		panic(fmt.Sprintf("tidy: every %d loans: it must be at least 1", every))
	}
	return &Tidy{workMem: workMem, every: every}
}

// Hooks returns what goes into sqlpool.Config.Hooks.
func (t *Tidy) Hooks() sqlpool.Hooks {
	return sqlpool.Hooks{AfterConnect: t.prepare, AfterRelease: t.released}
}

// Runs is how often temporary tables were dropped.
func (t *Tidy) Runs() int64 { return t.runs.Load() }

// session is what Tidy remembers of one connection.
type session struct{ loans int }

// prepare runs in the dial's goroutine and may use the network.
func (t *Tidy) prepare(ctx context.Context, c *sqlpool.Conn) error {
	if err := c.Exec(ctx, "SET work_mem = '"+t.workMem+"'"); err != nil {
		return fmt.Errorf("tidy: %w", err)
	}
	c.SetValue(t, &session{})
	return nil
}

// released runs in the borrower's goroutine: what needs the network is put off.
func (t *Tidy) released(r sqlpool.Releasing) error {
	s, ok := r.Conn.Value(t).(*session)
	if !ok {
		return nil
	}
	if s.loans++; s.loans >= t.every {
		s.loans = 0
		r.Defer(t.tidy)
	}
	return nil
}

// tidy runs in the background, before the connection is lent again.
func (t *Tidy) tidy(ctx context.Context, c *sqlpool.Conn) error {
	if err := c.Exec(ctx, "DISCARD TEMP"); err != nil {
		return &sqlpool.Reason{Code: "tidy_failed", Err: err}
	}
	t.runs.Add(1)
	return nil
}

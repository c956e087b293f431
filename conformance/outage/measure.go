//go:build unix

package outage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/internal/pgserver"
)

// The steady demand of a measurement: 20 callers who want 1,000 writes a second
// between them, each within half a second.
const (
	callers  = 20
	every    = 20 * time.Millisecond
	deadline = 500 * time.Millisecond
)

// Measure lets one fault happen to one contender.
func Measure(ctx context.Context, fault Fault, contender Contender) (figures Figures, err error) {
	figures = Figures{Fault: fault.Name, Driver: contender.Driver, Pool: contender.Pool}
	scene, err := NewScene(ctx, fault.Options)
	if err != nil {
		return figures, err
	}
	defer func() { err = errors.Join(err, scene.Close()) }()
	if fault.Route != nil {
		if err := fault.Route(ctx, scene); err != nil {
			return figures, err
		}
	}
	before, _ := Goroutines() // of a contender that came before and is not gone yet
	client, err := contender.open(scene.DSN(), scene.LogIn())
	if err != nil {
		return figures, err
	}
	if err := Fill(ctx, client.DB, MaxConns); err != nil {
		return figures, err
	}
	var book ledger.Book
	load := Load{Callers: callers, Every: every, Deadline: deadline, Write: Insert(client.DB), Book: &book}
	run := load.Start(ctx)
	if err := run.Steady(ctx, 10); err != nil {
		return figures, fmt.Errorf("outage: before the fault: %w", err)
	}
	noise := Listen()
	var tries []Try
	broken := time.Now()
	if fault.Quiet {
		if _, _, _ = run.Stop(patience); ctx.Err() != nil {
			return figures, ctx.Err()
		}
		broken = time.Now()
		if err := fault.Break(ctx, scene); err != nil {
			return figures, err
		}
		run = load.Start(ctx)
	} else if err := fault.Break(ctx, scene); err != nil {
		return figures, err
	}
	accepted := run.Mark()
	steadyCtx, cancel := context.WithTimeout(ctx, patience)
	_ = run.Steady(steadyCtx, 50) // a second of peace, or not within the patience: the figures tell
	cancel()
	var overdue time.Duration
	tries, figures.Stuck, overdue = run.Stop(5 * time.Second)
	figures.Noise = millis(noise.Stop())
	figures.digest(tries, broken, accepted, callers)
	figures.WorstOverrun = max(figures.WorstOverrun, millis(overdue))

	if fault.Settle != nil {
		fault.Settle(scene)
	}
	if err := figures.leftovers(ctx, scene, client, before); err != nil {
		return figures, err
	}
	seen, err := scene.Seen(ctx)
	if err != nil {
		return figures, err
	}
	figures.audit(book.Audit(seen))
	return figures, nil
}

// leftovers closes the client and counts what of it is still there some seconds
// later.
func (f *Figures) leftovers(ctx context.Context, scene *Scene, client *Client, before int) error {
	server, err := scene.Primary(ctx)
	if err != nil {
		return err
	}
	if f.PeakConns, err = server.PeakBackends(ctx, pgserver.Mark{}, scene.Callers()); err != nil {
		return err
	}
	closed := make(chan struct{})
	go func() { client.Close(); close(closed) }()
	limit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	select {
	case <-closed:
	case <-limit.Done():
	}
	for {
		sessions, err := server.Activity(ctx, scene.Callers())
		if err != nil {
			return err
		}
		if f.ConnsLeft = len(sessions); scene.Bouncer != nil {
			f.ConnsLeft = 0 // those are the bouncer's, which keeps them for the next client
		}
		now, _ := Goroutines()
		f.GoroutinesLeft = max(now-before, 0)
		if f.ConnsLeft+f.GoroutinesLeft == 0 || lasts(limit, 10*time.Millisecond) != nil {
			return nil
		}
	}
}

// Insert returns a write of one token: every other one without arguments, which
// drivers send in another way.
func Insert(db *sql.DB) func(ctx context.Context, token int64, caller int) error {
	return func(ctx context.Context, token int64, caller int) error {
		if token%2 == 0 {
			_, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO ledger (token, caller) VALUES (%d, %d)", token, caller))
			return err
		}
		_, err := db.ExecContext(ctx, "INSERT INTO ledger (token, caller) VALUES ($1, $2)", token, caller)
		return err
	}
}

// Fill has db open that many connections, and leaves them idle.
func Fill(ctx context.Context, db *sql.DB, conns int) error {
	var work sync.WaitGroup
	errs := make([]error, conns)
	held := make([]*sql.Conn, conns)
	for i := range conns {
		work.Go(func() {
			if held[i], errs[i] = db.Conn(ctx); errs[i] == nil {
				errs[i] = held[i].PingContext(ctx)
			}
		})
	}
	work.Wait()
	for _, c := range held {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

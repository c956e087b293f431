//go:build unix

package outage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
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
	conns, open, happens := MaxConns, MaxConns, figures.outage
	if s := fault.Shortage; s != nil {
		conns, open, happens = s.Conns, s.Working, figures.shortage
	}
	client, err := contender.connect(scene, conns)
	if err != nil {
		return figures, err
	}
	if err := Fill(ctx, client.DB, open); err != nil {
		return figures, err
	}
	var book ledger.Book
	if err := happens(ctx, fault, scene, client, &book); err != nil {
		return figures, err
	}
	if fault.CleanUp != nil {
		fault.CleanUp(scene)
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

// outage has callers lose their database and get it back.
func (f *Figures) outage(ctx context.Context, fault Fault, scene *Scene, client *Client, book *ledger.Book) error {
	load := Load{Callers: callers, Every: every, Deadline: deadline, Write: Insert(client.DB, 0), Book: book}
	run := load.Start(ctx)
	if err := run.Steady(ctx, 10); err != nil {
		return fmt.Errorf("outage: before the fault: %w", err)
	}
	noise := Listen()
	if fault.Quiet {
		if _, _, _ = run.Stop(patience); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	broken, dialed := time.Now(), client.Dials()
	if err := fault.Break(ctx, scene); err != nil {
		return err
	}
	if fault.Quiet {
		run = load.Start(ctx)
	}
	accepted := run.Mark()
	steadyCtx, cancel := context.WithTimeout(ctx, patience)
	_ = run.Steady(steadyCtx, 50) // a second of peace, or not within the patience: the figures tell
	cancel()
	tries, stuck, overdue := run.Stop(5 * time.Second)
	f.Noise, f.Dials, f.Stuck = millis(noise.Stop()), client.Dials()-dialed, stuck
	tries = slices.DeleteFunc(tries, func(t Try) bool { return t.Returned.Before(broken) })
	f.count(tries, overdue)
	f.recovery(tries, accepted, callers)
	return nil
}

// shortage has callers ask for more than the database serves.
func (f *Figures) shortage(ctx context.Context, fault Fault, scene *Scene, client *Client, book *ledger.Book) error {
	if fault.Break != nil {
		if err := fault.Break(ctx, scene); err != nil {
			return err
		}
	}
	dialed, noise := client.Dials(), Listen()
	tries, stuck, overdue, err := fault.Shortage.Ask(ctx, client.DB, book)
	f.Noise, f.Dials, f.Stuck = millis(noise.Stop()), client.Dials()-dialed, stuck
	f.count(tries, overdue)
	f.Possible = fault.Shortage.Possible()
	return err
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

// Insert returns a write of one token, which keeps the server busy for as long as
// takes: every other one without arguments, which drivers send in another way.
func Insert(db *sql.DB, takes time.Duration) func(ctx context.Context, token int64, caller int) error {
	from := ""
	if takes > 0 {
		from = fmt.Sprintf(" FROM pg_sleep(%v)", takes.Seconds())
	}
	return func(ctx context.Context, token int64, caller int) error {
		if token%2 == 0 {
			_, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO ledger (token, caller) SELECT %d, %d%s", token, caller, from))
			return err
		}
		_, err := db.ExecContext(ctx, "INSERT INTO ledger (token, caller) SELECT $1::bigint, $2::int"+from, token, caller)
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

package bench

import (
	"context"
	"slices"
	"sync"
	"time"
)

// waitingName is the workload in which loans are held for a millisecond, so that
// sixty callers always wait.
const waitingName = "waiting, 64 on 4"

// waiting is how long callers wait, and how unequally.
func waiting(ctx context.Context, l *lab) (err error) {
	var entrants []entrant
	for _, b := range bares {
		if b.name == barePuddle2 || b.name == bareLeakName {
			continue // it is the order that counts here
		}
		lender, failed := b.open(4)
		if failed != nil {
			return failed
		}
		defer shut(&err, lender)
		entrants = append(entrants, entrant{b.name, b.name, func(ctx context.Context) (sample, error) {
			return waits(ctx, l.long(500*time.Millisecond), lender)
		}})
	}
	l.expect(len(entrants) * l.Rounds)
	found, err := l.take(ctx, waitingName, l.Rounds, entrants)
	if err != nil {
		return err
	}
	l.count(waitingName, found, entrants, false, p50, p90, p99, slowest)
	for _, e := range entrants {
		l.add(Figure{
			Workload: waitingName, Contender: e.name, Against: "its own p50", Measure: tail,
			Own: median(found.own(e.name, p99)), Held: isOurs(e.name),
		}, found.own(e.name, tail))
	}
	return nil
}

func waits(ctx context.Context, length time.Duration, lender Lender) (sample, error) {
	const callers = 64
	took := make([][]time.Duration, callers)
	s, err := stretch(ctx, load{goroutines: callers, length: length, batch: 1}, func(ctx context.Context, g, n int) error {
		begun := time.Now()
		return lender.Lend(ctx, func() {
			if n > 0 { // the first ones find the queue empty
				took[g] = append(took[g], time.Since(begun))
			}
			time.Sleep(time.Millisecond)
		})
	})
	if err == nil {
		s.addLatencies(slices.Concat(took...))
	}
	return s, err
}

// together has n goroutines do something once, all at the same moment, and
// returns how long each took and the first error.
func together(n int, do func(i int) error) (took []time.Duration, all time.Duration, err error) {
	var (
		start = make(chan struct{})
		mu    sync.Mutex
		work  sync.WaitGroup
	)
	took = make([]time.Duration, n)
	var begun time.Time
	for i := range n {
		work.Go(func() {
			<-start
			failed := do(i)
			took[i] = time.Since(begun)
			if failed != nil {
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					err = failed
				}
			}
		})
	}
	begun = time.Now()
	close(start)
	work.Wait()
	return took, time.Since(begun), err
}

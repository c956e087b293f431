package pgserver

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// watchPause lies between two looks. It bounds what watching costs the machine (about a twentieth of a core), nothing
// waits for it; a session shorter than it can be missed. [Server.PeakBackends] misses none.
const watchPause = 2 * time.Millisecond

// Watcher counts sessions by looking at pg_stat_activity again and again.
type Watcher struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the fields below are final
	peak   int
	looks  int
	err    error
}

// Watch starts counting the sessions that match the filter and returns after the first look. It works on any server; the
// context bounds the whole watch.
func (c *Console) Watch(ctx context.Context, f Filter) (*Watcher, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &Watcher{cancel: cancel, done: make(chan struct{})}
	query := "SELECT count(*) FROM pg_stat_activity" + f.where()
	if err := w.look(ctx, conn, query); err != nil {
		cancel()
		hangUp(conn)
		return nil, err
	}
	go w.run(ctx, conn, query)
	return w, nil
}

func (w *Watcher) run(ctx context.Context, conn *pgconn.PgConn, query string) {
	defer close(w.done)
	defer hangUp(conn)
	pause := time.NewTicker(watchPause)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			// The last look is Stop's: what is there when the caller stops is counted in any case.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			w.err = w.look(last, conn, query)
			return
		case <-pause.C:
			// Not under ctx: pgconn closes a connection whose context ends during a query.
			if w.err = w.look(context.WithoutCancel(ctx), conn, query); w.err != nil {
				return
			}
		}
	}
}

func (w *Watcher) look(ctx context.Context, conn *pgconn.PgConn, query string) error {
	rows, err := ask(ctx, conn, query)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(rows[0][0])
	w.peak, w.looks = max(w.peak, n), w.looks+1
	return err
}

// Stop ends the watch and returns the most sessions seen at once. The error says that the watch ended early, for instance
// because the server was stopped.
func (w *Watcher) Stop() (peak int, err error) {
	w.cancel()
	<-w.done
	if w.err != nil {
		return w.peak, fmt.Errorf("pgserver: watching ended after %d looks: %w", w.looks, w.err)
	}
	return w.peak, nil
}

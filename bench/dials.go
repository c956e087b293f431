package bench

import (
	"context"
	"database/sql/driver"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// watchedConnector tells of each dial. Its connections are the driver's own.
type watchedConnector struct {
	driver.Connector
	dial func() (done func())
}

func watched(c driver.Connector, s Setup) driver.Connector {
	if s.Dial == nil {
		return c
	}
	return watchedConnector{c, s.Dial}
}

// Connect implements driver.Connector.
func (c watchedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	defer c.dial()()
	return c.Connector.Connect(ctx)
}

// watchPgxpool tells of each dial of a pgxpool, which takes no connector. A dial
// that fails is never told to be over; none does here.
func watchPgxpool(cfg *pgxpool.Config, dial func() (done func())) {
	var mu sync.Mutex
	var open []func()
	cfg.BeforeConnect = func(context.Context, *pgx.ConnConfig) error {
		done := dial()
		mu.Lock()
		defer mu.Unlock()
		open = append(open, done)
		return nil
	}
	cfg.AfterConnect = func(context.Context, *pgx.Conn) error {
		mu.Lock()
		done := open[0] // any will do: they are counted, not timed
		open = open[1:]
		mu.Unlock()
		done()
		return nil
	}
}

// dialCount counts dials and those in flight.
type dialCount struct {
	mu                 sync.Mutex
	total, now, atOnce int
}

// dial is Setup.Dial.
func (d *dialCount) dial() (done func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total++
	d.now++
	d.atOnce = max(d.atOnce, d.now)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.now--
	}
}

func (d *dialCount) read() (total, now, atOnce int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total, d.now, d.atOnce
}

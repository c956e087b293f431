package route

import (
	"context"
	"database/sql/driver"
	"math/rand/v2"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
)

const (
	// interval is how long after an answer a server is asked again. A promoted replica is passed over that soon.
	interval = 200 * time.Millisecond

	// slowest bounds the pause between questions to a server that does not answer.
	slowest = 2 * time.Second

	// silent is how long a server may take to answer, and twice that on a new connection, where a driver may need more
	// round trips.
	silent = 500 * time.Millisecond

	// renewed is how old a watcher's connection becomes: its address may lead to another server by then.
	renewed = time.Minute

	// believed is how long an earlier primary must be the only one that answers before it is the primary again: operators
	// may have gone back to it.
	believed = 30 * time.Second
)

// watch asks one server until the router closes, over a connection of its own: one of the pool might be waited for. A
// server that is silent delays no question to another.
func (r *Router) watch(s *server) {
	var l line
	failed := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		soon := s.soon
		if failed > 0 {
			soon = nil
		}
		select {
		case <-r.life.Done():
			hangUp(l.conn, false)
			return
		case <-soon:
		case <-timer.C:
		}
		var a answer
		number, at := uint64(0), time.Now()
		limit, err := r.connect(s, &l)
		if err == nil {
			if s.isPrimary() {
				number, at = r.asked.Add(1), time.Now()
			}
			a, err = r.ask(l.conn, limit)
			l.timeline = max(l.timeline, a.timeline)
			a.timeline = l.timeline
		}
		if r.life.Err() != nil {
			hangUp(l.conn, err != nil)
			return
		}
		right := false
		if s.isPrimary() {
			right = r.note(s, number, at, a, err)
		} else {
			r.judge(s, a, err)
			right = err == nil && a.recovering
		}
		if failed++; right {
			failed = 0
		} else if err != nil || s.isPrimary() { // the primary's address may lead to another server by now
			hangUp(l.conn, err != nil)
			l = line{}
		}
		timer.Reset(pause(failed))
	}
}

// line is a watcher's connection.
type line struct {
	conn       driver.Conn
	dialed     time.Time
	generation uint64 // of the pool then
	timeline   uint32 // the newest that its server was on: that does not go back while it runs
}

// connect sees to it that the line has a connection, and a new one when its own is old or the pool suspects its connections:
// the address may lead to another server by then. The old one goes on while a server refuses more. It returns how long the
// next answer may take.
func (r *Router) connect(s *server, l *line) (limit time.Duration, err error) {
	generation := s.pool.Stats().Generation
	if l.conn != nil && time.Since(l.dialed) < renewed && l.generation == generation {
		return silent, nil
	}
	c, err := r.dial(s)
	if err != nil && l.conn != nil {
		l.dialed, l.generation = time.Now(), generation
		return silent, nil
	}
	if err != nil {
		return 0, err
	}
	hangUp(l.conn, l.generation != generation)
	*l = line{conn: c, dialed: time.Now(), generation: generation}
	return 2 * silent, nil
}

// pause is how long after an answer a server is asked again, when it was the failed-th that was missing or told that it is
// another server: as a pool does, the router dials less and less often, at random moments.
func pause(failed int) time.Duration {
	if failed == 0 {
		return interval
	}
	most := min(interval<<min(failed, 10), slowest)
	return most/2 + rand.N(most/2)
}

func (r *Router) dial(s *server) (driver.Conn, error) {
	cfg := s.pool.Config()
	ctx, cancel := context.WithTimeout(r.life, cfg.ConnectTimeout)
	defer cancel()
	return cfg.Connector.Connect(ctx)
}

func aborts(c driver.Conn) func() error {
	if can, ok := driverx.Find[interface{ Abort() error }](c); ok {
		return can.Abort
	}
	return nil
}

func hangUp(c driver.Conn, broken bool) {
	if c == nil {
		return
	}
	if abort := aborts(c); broken && abort != nil {
		_ = abort() // a goodbye to a frozen server takes long
	}
	_ = c.Close() // nothing depends on it
}

// askPrimary has the primary asked at once.
func (r *Router) askPrimary() {
	select {
	case r.primary().soon <- struct{}{}:
	default: // it is asked for already
	}
}

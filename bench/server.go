package bench

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// callers are the numbers of goroutines; connections what every contender has.
var callers = []int{1, 8, 64, 256}

const connections = 10

// cell is one operation of so many goroutines over a transport.
type cell struct {
	transport  string
	op         Op
	goroutines int
}

func (c cell) String() string {
	return fmt.Sprintf("%s, %s, %d", c.transport, c.op, c.goroutines)
}

// The transports.
const (
	unixSocket = "unix socket"
	tcp        = "TCP"
)

// serverMeasures are what each cell shows.
var serverMeasures = []measure{throughput, p50, p99, cpuPerOp}

// server is the work that the pool is for, on a real PostgreSQL. Over TCP the
// variants of the pool and the A/A runs are left out: what they show does not
// depend on the transport.
func server(ctx context.Context, l *lab) error {
	if err := l.tables(ctx); err != nil {
		return err
	}
	every := l.wanted(names(Contenders))
	few := l.wanted([]string{PlainPgx, PgxpoolSQL, Pgxpool, SqlpoolPgx, PlainPq, SqlpoolPq})
	l.expect((l.cells(unixSocket)*len(every) + l.cells(tcp)*len(few)) * l.Rounds)
	if err := l.transport(ctx, unixSocket, l.server.Socket().KeyValue("postgres"), every, 130*time.Millisecond); err != nil {
		return err
	}
	return l.transport(ctx, tcp, l.server.TCP().KeyValue("postgres"), few, 100*time.Millisecond)
}

func (l *lab) wants(c cell) bool { return l.Cells == nil || l.Cells.MatchString(c.String()) }

// cells is how many cells of a transport are measured.
func (l *lab) cells(transport string) (n int) {
	for _, op := range ServerOps {
		for _, goroutines := range callers {
			if l.wants(cell{transport, op, goroutines}) {
				n++
			}
		}
	}
	return n
}

// wanted are those of the contenders that are measured.
func (l *lab) wanted(contenders []string) (some []string) {
	for _, name := range contenders {
		if l.Contenders == nil || l.Contenders.MatchString(name) {
			some = append(some, name)
		}
	}
	return some
}

func names(contenders []Contender) (all []string) {
	for _, c := range contenders {
		all = append(all, c.Name)
	}
	return all
}

func (l *lab) transport(ctx context.Context, transport, dsn string, contenders []string, length time.Duration) (err error) {
	all, err := openAll(ctx, Setup{DSN: dsn, Schema: schema, Conns: connections}, pick(contenders...))
	defer func() { err = joined(err, closeAll(all)) }()
	if err != nil {
		return err
	}
	cells := map[cell]turns{}
	var entrants []entrant
	for _, op := range ServerOps {
		if err := l.server.Exec(ctx, "TRUNCATE "+schema+".entry"); err != nil {
			return err
		}
		for _, n := range callers {
			c := cell{transport, op, n}
			if !l.wants(c) {
				continue
			}
			entrants = nil
			for _, o := range all {
				do := func(ctx context.Context, g, n int) error { return o.Do(ctx, op, g*7919+n) } // far from its neighbours' rows
				// All connections are open and have prepared what they will need.
				if _, err := stretch(ctx, load{2 * connections, l.long(20 * time.Millisecond), 1}, do); err != nil {
					return fmt.Errorf("%v, %s: %w", c, o.Name, err)
				}
				entrants = append(entrants, entrant{o.Name, o.Against, func(ctx context.Context) (sample, error) {
					return stretch(ctx, load{n, l.long(length), 1}, do)
				}})
			}
			found, err := l.take(ctx, c.String(), l.Rounds, entrants)
			if err != nil {
				return err
			}
			l.compare(c.String(), found, entrants, false, serverMeasures...)
			cells[c] = found
		}
	}
	l.summarise(transport, cells, entrants)
	return nil
}

// meanOf names a mean.
func meanOf(transport string, of ...string) string {
	return strings.Join(append([]string{"mean", transport}, of...), ", ")
}

func goroutines(n int) string {
	if n == 1 {
		return "1 goroutine"
	}
	return fmt.Sprintf("%d goroutines", n)
}

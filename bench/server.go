package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
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

// String implements fmt.Stringer.
func (c cell) String() string {
	return fmt.Sprintf("%s, %s, %d", c.transport, c.op, c.goroutines)
}

// pieces is how many turns a round has. Where few goroutines work, it matters for
// a whole turn on which core the scheduler has put the server's process; with
// many, a turn must be long against the time that each of them waits.
func (c cell) pieces() int {
	if c.goroutines <= connections {
		return 3
	}
	return 1
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
	l.expect((l.turnsOf(unixSocket)*len(every) + l.turnsOf(tcp)*len(few)) * l.Rounds)
	if err := l.transport(ctx, unixSocket, l.server.Socket().KeyValue("postgres"), every, 130*time.Millisecond); err != nil {
		return err
	}
	return l.transport(ctx, tcp, l.server.TCP().KeyValue("postgres"), few, 100*time.Millisecond)
}

func (l *lab) wants(c cell) bool { return l.Cells == nil || l.Cells.MatchString(c.String()) }

// turnsOf is how many turns a contender takes in a round of all cells of a
// transport.
func (l *lab) turnsOf(transport string) (n int) {
	for _, op := range ServerOps {
		for _, goroutines := range callers {
			if c := (cell{transport, op, goroutines}); l.wants(c) {
				n += c.pieces()
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

func (l *lab) transport(ctx context.Context, transport, dsn string, contenders []string, length time.Duration) error {
	cells := map[cell]turns{}
	var entrants []entrant
	for _, op := range ServerOps {
		asked := slices.DeleteFunc(slices.Clone(callers), func(n int) bool { return !l.wants(cell{transport, op, n}) })
		if len(asked) == 0 {
			continue
		}
		var err error
		if entrants, err = l.operation(ctx, transport, dsn, op, asked, contenders, length, cells); err != nil {
			return err
		}
	}
	l.summarise(transport, cells, entrants)
	return nil
}

// operation measures one operation on contenders that are opened for it, in an
// order drawn anew: where the connections and their server processes happen to
// lie makes identical contenders differ by some hundredths for as long as they
// are open, which a mean over the operations would keep.
func (l *lab) operation(ctx context.Context, transport, dsn string, op Op, callers []int, contenders []string, length time.Duration, cells map[cell]turns) (entrants []entrant, err error) {
	if err := l.server.Exec(ctx, "TRUNCATE "+schema+".entry"); err != nil {
		return nil, err
	}
	picked := pick(contenders...)
	rand.Shuffle(len(picked), func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
	all, err := openAll(ctx, Setup{DSN: dsn, Schema: schema, Conns: connections}, picked)
	defer func() { err = joined(err, closeAll(all)) }()
	if err != nil {
		return nil, err
	}
	for _, n := range callers {
		c := cell{transport, op, n}
		entrants = nil
		for _, o := range all {
			do := func(ctx context.Context, g, n int) error { return o.Do(ctx, op, g*7919+n) } // far from its neighbours' rows
			// All connections are open and have prepared what they will need.
			if _, err := stretch(ctx, load{2 * connections, l.long(20 * time.Millisecond), 1}, do); err != nil {
				return nil, fmt.Errorf("%v, %s: %w", c, o.Name, err)
			}
			entrants = append(entrants, entrant{o.Name, o.Against, func(ctx context.Context) (sample, error) {
				return stretch(ctx, load{n, l.long(length / time.Duration(c.pieces())), 1}, do)
			}})
		}
		found, err := l.takeInPieces(ctx, c.String(), l.Rounds, c.pieces(), entrants)
		if err != nil {
			return nil, err
		}
		l.compare(c.String(), found, entrants, false, serverMeasures...)
		cells[c] = found
	}
	return entrants, nil
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

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

// cell is one operation of so many goroutines on a server at a place.
type cell struct {
	place      string
	op         Op
	goroutines int
}

// String implements fmt.Stringer.
func (c cell) String() string {
	return fmt.Sprintf("%s, %s, %d", c.place, c.op, c.goroutines)
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

// Where the server is.
const (
	unixSocket = "unix socket"
	away       = "1 ms away"

	distance = time.Millisecond // of the one that is away: a round trip's
)

// serverMeasures are what each cell shows.
var serverMeasures = []measure{throughput, p50, p99, cpuPerOp}

// place is a way to the server, who takes it, and how.
type place struct {
	name       string
	dsn        string
	contenders []string
	callers    []int
	length     time.Duration // of a stretch
}

// server is the work that the pool is for, on a real PostgreSQL: on the same machine,
// where what a client does itself counts most, and as far away as a server in the same
// data centre, where round trips do.
func server(ctx context.Context, l *lab) (err error) {
	if err := l.tables(ctx); err != nil {
		return err
	}
	relay, err := startRelay(ctx, address(l.server.TCP()), distance)
	if err != nil {
		return err
	}
	defer shut(&err, relay)
	far := []string{PlainPgx, PlainPgx2, PgxpoolSQL, Pgxpool, SqlpoolPgx, Loans, PlainPq, PlainPq2, SqlpoolPq, CachedPq}
	places := []place{
		{unixSocket, l.server.Socket().KeyValue("postgres"), l.wanted(append(far, BarePgx)), callers, 130 * time.Millisecond},
		{away, through(l.server.TCP(), relay.port), l.wanted(far), []int{1, 64, 256}, 100 * time.Millisecond},
	}
	turns := 0
	for _, p := range places {
		turns += l.turnsOf(p) * len(p.contenders) * l.Rounds
	}
	l.expect(turns)
	for _, p := range places {
		if err := l.at(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) wants(c cell) bool { return l.Cells == nil || l.Cells.MatchString(c.String()) }

// turnsOf is how many turns a contender takes in a round of all cells of a place.
func (l *lab) turnsOf(p place) (n int) {
	for _, op := range ServerOps {
		for _, goroutines := range p.callers {
			if c := (cell{p.name, op, goroutines}); l.wants(c) {
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

func (l *lab) at(ctx context.Context, p place) error {
	cells := map[cell]turns{}
	var entrants []entrant
	for _, op := range ServerOps {
		asked := slices.DeleteFunc(slices.Clone(p.callers), func(n int) bool { return !l.wants(cell{p.name, op, n}) })
		if len(asked) == 0 {
			continue
		}
		var err error
		if entrants, err = l.operation(ctx, p, op, asked, cells); err != nil {
			return err
		}
	}
	l.summarise(p.name, cells, entrants)
	return nil
}

// operation measures one operation on contenders that are opened for it, in an
// order drawn anew: where the connections and their server processes happen to
// lie makes identical contenders differ by some hundredths for as long as they
// are open, which a mean over the operations would keep.
func (l *lab) operation(ctx context.Context, p place, op Op, callers []int, cells map[cell]turns) (entrants []entrant, err error) {
	if err := l.server.Exec(ctx, "TRUNCATE "+schema+".entry"); err != nil {
		return nil, err
	}
	picked := pick(p.contenders...)
	rand.Shuffle(len(picked), func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
	all, err := openAll(ctx, Setup{DSN: p.dsn, Schema: schema, Conns: connections}, picked)
	defer func() { err = joined(err, closeAll(all)) }()
	if err != nil {
		return nil, err
	}
	for _, n := range callers {
		c := cell{p.name, op, n}
		entrants = nil
		for _, o := range all {
			do := func(ctx context.Context, g, n int) error { return o.Do(ctx, op, g*7919+n) } // far from its neighbours' rows
			// All connections are open and have prepared what they will need.
			if _, err := stretch(ctx, load{2 * connections, l.long(20 * time.Millisecond), 1}, do); err != nil {
				return nil, fmt.Errorf("%v, %s: %w", c, o.Name, err)
			}
			entrants = append(entrants, entrant{o.Name, o.Against, func(ctx context.Context) (sample, error) {
				return stretch(ctx, load{n, l.long(p.length / time.Duration(c.pieces())), 1}, do)
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
func meanOf(place string, of ...string) string {
	return strings.Join(append([]string{"mean", place}, of...), ", ")
}

func goroutines(n int) string {
	if n == 1 {
		return "1 goroutine"
	}
	return fmt.Sprintf("%d goroutines", n)
}

//go:build unix

package outage

import (
	"context"
	"database/sql"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
)

// takes is how long a write keeps its connection busy in a shortage.
const takes = 20 * time.Millisecond

// A Shortage is a fault in which the database stays and serves, and cannot serve
// all: more callers come than its connections can bear, or new connections are
// refused while some work.
type Shortage struct {
	Conns   int // every contender's limit
	Working int // how many connections serve; they are open when it begins
	Stages  []Stage

	// Whole is the fault's Route without what is wrong, nil for a direct way:
	// what a test compares with.
	Whole func(ctx context.Context, s *Scene) error
}

// A Stage is a demand that lasts for a while. One follows the other without a
// pause: what still waits at the end of one goes on in the next.
type Stage struct {
	Load   // Write and Book are the measurement's
	Lasts  time.Duration
	Counts bool // its writes are in the figures

	// Possible is how many writes the connections can serve meanwhile, of those
	// that come, if they are never idle and nothing takes time but the server's
	// work.
	Possible int
}

// arrive has callers come at an even pace, whatever became of those before them,
// each with a deadline of a second: part is their number as a part of what conns
// connections can serve.
func arrive(part float64, conns int, length time.Duration) Stage {
	const within = time.Second
	each := length + within // longer than the stage: each caller writes once, and those whose turn comes after its end never do
	capacity := float64(conns) / takes.Seconds()
	return Stage{
		Load:  Load{Callers: int(part * capacity * each.Seconds()), Every: each, Deadline: within},
		Lasts: length, Possible: int(min(part, 1) * capacity * length.Seconds()),
	}
}

// press has the usual callers want more than the working connections can serve:
// each writes again as soon as it is served, and 20 ms after it was refused.
func press(working int, length time.Duration) Stage {
	return Stage{
		Load:  Load{Callers: callers, Every: every, Deadline: deadline},
		Lasts: length, Counts: true, Possible: int(float64(working) * length.Seconds() / takes.Seconds()),
	}
}

func counted(s Stage) Stage { s.Counts = true; return s }

// overload is a rush that ends: the callers that count come after it.
func overload() *Shortage {
	const conns = 4
	return &Shortage{Conns: conns, Working: conns, Stages: []Stage{
		arrive(0.85, conns, time.Second), arrive(2, conns, 2*time.Second), counted(arrive(0.85, conns, 4*time.Second)),
	}}
}

// steadyOverload is a rush that does not end. All of its calls count: to serve those
// who came first at the cost of those who came later, or the other way round, is the
// same to the whole.
func steadyOverload() *Shortage {
	const conns = 4
	return &Shortage{Conns: conns, Working: conns, Stages: []Stage{
		counted(arrive(1.5, conns, 4*time.Second)),
	}}
}

// partial is a demand on the connections that work, while new ones are refused.
// whole is the route without the failure.
func partial(whole func(context.Context, *Scene) error) *Shortage {
	return &Shortage{Conns: MaxConns, Working: working, Stages: []Stage{press(working, 3*time.Second)}, Whole: whole}
}

// Possible is how many of the writes that count could be served.
func (s *Shortage) Possible() (n int) {
	for _, stage := range s.Stages {
		if stage.Counts {
			n += stage.Possible
		}
	}
	return n
}

// Ask has the callers come and returns those writes that count, when all have
// returned; how many of all have not 5 s after the end, and by how much these
// have outlasted their deadlines.
func (s *Shortage) Ask(ctx context.Context, db *sql.DB, book *ledger.Book) (tries []Try, stuck int, overdue time.Duration, err error) {
	runs := make([]*Run, 0, len(s.Stages))
	for _, stage := range s.Stages {
		load := stage.Load
		load.Write, load.Book = Insert(db, takes), book
		run := load.Start(ctx)
		runs = append(runs, run)
		if err = lasts(ctx, stage.Lasts); err != nil {
			break
		}
		run.stop()
	}
	for i, run := range runs {
		all, n, late := run.Stop(5 * time.Second)
		if s.Stages[i].Counts {
			tries = append(tries, all...)
		}
		stuck, overdue = stuck+n, max(overdue, late)
	}
	return tries, stuck, overdue, err
}

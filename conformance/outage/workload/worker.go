package workload

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// worker is one goroutine.
type worker struct {
	run    *Run
	random *rand.Rand
}

func newWorker(r *Run, number int, seed uint64) *worker {
	return &worker{run: r, random: rand.New(rand.NewPCG(seed, uint64(number)))}
}

// operation is one thing that a worker does.
type operation struct {
	name   string
	weight int
	do     func(*worker, context.Context) error
}

// A mix is what workers do, in thousandths.
type mix []operation

// usual is a program's. The cancels that end a connection are few: each costs a dial, and the reader should be able to
// tell the pool's work from the dialer's.
var usual = mix{
	{"transfer", 700, (*worker).transfer},
	{"balance", 200, (*worker).balance},
	{"statement of account", 60, (*worker).account},
	{"audit", 30, (*worker).audit},
	{"cancel between statements", 6, (*worker).cancelIdle},
	{"cancel anywhere in a transfer", 3, (*worker).cancelAnywhere},
	{"cancel a slow query", 1, (*worker).cancelSlow},
}

// faulted is that of a soak, whose faults cancel enough.
var faulted = mix{
	{"write", 700, (*worker).write},
	{"transfer", 250, (*worker).transfer},
	{"audit", 50, (*worker).audit},
}

func (w *worker) work(ctx context.Context) {
	for ctx.Err() == nil && w.run.more() {
		op := w.pick()
		err := planned(ctx, w.do(ctx, op)) // the whole run may be cancelled too
		switch {
		case err == nil:
		case errors.As(err, new(*plannedError)):
			w.run.cancelled.Add(1)
		default:
			w.run.trouble.note(op.name, err)
		}
	}
}

// do keeps to the load's deadline, if it has one. One in eight callers gives up at a random moment before.
func (w *worker) do(ctx context.Context, op operation) error {
	if limit := w.run.load.Deadline; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
		if w.random.IntN(8) == 0 {
			defer time.AfterFunc(time.Duration(w.random.Int64N(int64(limit)/20)), cancel).Stop()
		}
	}
	return op.do(w, ctx)
}

func (w *worker) pick() operation {
	n := w.random.IntN(1000)
	for _, op := range w.run.load.mix {
		if n -= op.weight; n < 0 {
			return op
		}
	}
	panic("workload: the weights of the operations are less than 1000")
}

package workload

import (
	"context"
	"errors"
	"math/rand/v2"
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

// operations is the mix, in thousandths. The cancels that end a connection are few: each costs a dial, and the reader
// should be able to tell the pool's work from the dialer's.
var operations = []operation{
	{"transfer", 700, (*worker).transfer},
	{"balance", 200, (*worker).balance},
	{"statement of account", 60, (*worker).account},
	{"audit", 30, (*worker).audit},
	{"cancel between statements", 6, (*worker).cancelIdle},
	{"cancel anywhere in a transfer", 3, (*worker).cancelAnywhere},
	{"cancel a slow query", 1, (*worker).cancelSlow},
}

func (w *worker) work(ctx context.Context, more func() bool) {
	for ctx.Err() == nil && more() {
		op := w.pick()
		err := planned(ctx, op.do(w, ctx)) // the whole run may be cancelled too
		switch {
		case err == nil:
		case errors.As(err, new(*plannedError)):
			w.run.cancelled.Add(1)
		default:
			w.run.trouble.note(op.name, err)
		}
	}
}

func (w *worker) pick() operation {
	n := w.random.IntN(1000)
	for _, op := range operations {
		if n -= op.weight; n < 0 {
			return op
		}
	}
	panic("workload: the weights of the operations are less than 1000")
}

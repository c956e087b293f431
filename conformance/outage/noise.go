package outage

import (
	"sync"
	"sync/atomic"
	"time"
)

// Noise measures how late this machine wakes a goroutine while something else is
// measured: no deadline can be met more exactly.
type Noise struct {
	worst atomic.Int64
	stop  chan struct{}
	work  sync.WaitGroup
}

// Listen starts to measure.
func Listen() *Noise {
	n := &Noise{stop: make(chan struct{})}
	n.work.Go(n.listen)
	return n
}

func (n *Noise) listen() {
	const nap = 2 * time.Millisecond
	timer := time.NewTimer(nap)
	defer timer.Stop()
	for {
		asleep := time.Now()
		select {
		case <-timer.C:
		case <-n.stop:
			return
		}
		if late := int64(time.Since(asleep) - nap); late > n.worst.Load() {
			n.worst.Store(late)
		}
		timer.Reset(nap)
	}
}

// Stop ends the measurement and returns the longest delay.
func (n *Noise) Stop() time.Duration {
	close(n.stop)
	n.work.Wait()
	return time.Duration(n.worst.Load())
}

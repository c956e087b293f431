package sqlpool

import (
	"context"
	"fmt"
	"sync/atomic"
)

// DefaultProcessDials is how many dials of all pools together may run at once.
const DefaultProcessDials = 64

// dialGate holds one token for each dial of the process that is under way.
var dialGate atomic.Pointer[chan struct{}]

func init() { LimitProcessDials(DefaultProcessDials) }

// LimitProcessDials bounds how many dials all pools of the process have under
// way at once, beyond each pool's own MaxDialing: a process with many pools
// must not meet a server that has just restarted with a crowd. n below 1
// removes the bound. Dials that have begun are not affected. Waiting for the
// bound counts as part of ConnectTimeout.
func LimitProcessDials(n int) {
	if n < 1 {
		dialGate.Store(nil)
		return
	}
	gate := make(chan struct{}, n)
	dialGate.Store(&gate)
}

// enterDialGate waits for the process's permission to dial.
func enterDialGate(ctx context.Context) (leave func(), err error) {
	gate := dialGate.Load()
	if gate == nil {
		return func() {}, nil
	}
	select {
	case *gate <- struct{}{}:
		return func() { <-*gate }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("sqlpool: %d dials of this process are under way (LimitProcessDials): %w", cap(*gate), ctx.Err())
	}
}

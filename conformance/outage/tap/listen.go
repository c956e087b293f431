package tap

import (
	"fmt"
	"sync/atomic"

	"github.com/sqlpool/go/internal/relay"
)

// A Tap is a listening proxy. Its methods may be called from any goroutine.
type Tap struct {
	*relay.Relay
	plan   atomic.Pointer[Plan]
	broken atomic.Int64
}

// Listen starts a proxy to upstream (host:port) on a free loopback port. It
// forwards everything until told otherwise.
func Listen(upstream string) (*Tap, error) {
	t := &Tap{}
	r, err := relay.Listen(upstream, func(l *relay.Link) { (&link{Link: l, tap: t, texts: make(map[string]string)}).forward() })
	if err != nil {
		return nil, fmt.Errorf("tap: %w", err)
	}
	t.Relay = r
	return t, nil
}

// SetPlan decides the faults of the executions that follow; nil forwards all.
func (t *Tap) SetPlan(p Plan) {
	if p == nil {
		t.plan.Store(nil)
		return
	}
	t.plan.Store(&p)
}

// Broken is how many executions had another fault than Forward.
func (t *Tap) Broken() int64 { return t.broken.Load() }

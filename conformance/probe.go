package conformance

import (
	"context"
	"sync"
)

// A Probe watches a driver from below the pool: it counts what the pool asks of
// it and can make any call wait or fail. All methods may be called from any
// goroutine.
type Probe struct {
	mu        sync.Mutex
	conns     int // opened so far; the number of the last one
	counts    map[string]int
	dialing   int
	mostDials int
	requests  int // of conns: cancel requests
	open      int // opened, and Close has not returned: what a server sees
	mostOpen  int
	prepares  map[prepared]int
	busy      map[int]int // calls under way on each connection
	met       int         // calls that met another one there
	before    func(context.Context, Call) error
	after     func(context.Context, Call, error) error
	loose     chan struct{} // closed when the trial is over: nothing may hold up what still runs
}

// A Call is one call of the driver. Conn is 0 while dialing.
type Call struct {
	Conn int
	Op   string // one of the Op constants
	Text string // of a statement
}

// The operations of a Call.
const (
	OpDial     = "dial"
	OpPing     = "ping"
	OpPrepare  = "prepare"
	OpExec     = "exec"  // text or prepared
	OpQuery    = "query" // text or prepared
	OpBegin    = "begin"
	OpCommit   = "commit"
	OpRollback = "rollback"
	OpReset    = "reset"
	OpValid    = "valid" // IsValid; an error of the probe's is false
	OpClose    = "close"
	OpUnstmt   = "close statement"
	OpNext     = "next row" // io.EOF is the end of the rows
	OpNextSet  = "next result set"
	OpUnrows   = "close rows"
)

type prepared struct {
	conn int
	text string
}

func newProbe() *Probe {
	return &Probe{counts: map[string]int{}, prepares: map[prepared]int{}, busy: map[int]int{}, loose: make(chan struct{})}
}

// letGo ends every wait in this probe, for good.
func (p *Probe) letGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.loose:
	default:
		close(p.loose)
	}
	p.before, p.after = nil, nil
}

// intercept has f called before each call of the driver. An error keeps the
// call from the driver and is its outcome.
func (p *Probe) intercept(f func(context.Context, Call) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = f
}

// afterwards has f called with the outcome of each call; what it returns is the
// outcome for the pool.
func (p *Probe) afterwards(f func(context.Context, Call, error) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after = f
}

// do runs one call.
func (p *Probe) do(ctx context.Context, c Call, call func() error) error {
	p.mu.Lock()
	p.counts[c.Op]++
	before := p.before
	if c.Conn > 0 {
		if p.busy[c.Conn]++; p.busy[c.Conn] > 1 {
			p.met++
		}
		defer func() {
			p.mu.Lock()
			p.busy[c.Conn]--
			p.mu.Unlock()
		}()
	}
	p.mu.Unlock()
	if before != nil {
		if err := before(ctx, c); err != nil {
			return err
		}
	}
	err := call()
	p.mu.Lock()
	after := p.after
	p.mu.Unlock()
	if after != nil {
		err = after(ctx, c, err)
	}
	return err
}

// Dial counts a dial, for an [Target.Open] that cannot dial with
// [Settings.Connector]. connect is not called when the rule wants the dial to
// fail. The number names the connection in Closed and Prepared.
func (p *Probe) Dial(ctx context.Context, connect func(context.Context) error) (conn int, err error) {
	p.mu.Lock()
	p.dialing++
	p.mostDials = max(p.mostDials, p.dialing)
	p.mu.Unlock()
	opened := false
	err = p.do(ctx, Call{Op: OpDial}, func() error {
		err := connect(ctx)
		if opened = err == nil; opened {
			p.mu.Lock()
			p.conns++
			conn = p.conns
			p.open++
			p.mostOpen = max(p.mostOpen, p.open)
			p.mu.Unlock()
		}
		return err
	})
	p.mu.Lock()
	p.dialing--
	p.mu.Unlock()
	return conn, err
}

// Closed says that a connection has been closed.
func (p *Probe) Closed(int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
}

// NotAConnection takes back what Dial counted: a cancel request is dialed, too.
func (p *Probe) NotAConnection(int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.requests++
}

// Prepared counts a statement prepared on the server.
func (p *Probe) Prepared(conn int, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prepares[prepared{conn, text}]++
}

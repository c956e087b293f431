package debugui

import (
	"cmp"
	"fmt"

	"github.com/sqlpool/go/sqlpool"
)

// holders lists the loans that are out, from the detector, which knows their
// stacks, or from the pool.
func (u *UI) holders(pool *sqlpool.Pool) []Holder {
	all := []Holder{}
	if u.cfg.Leaks == nil {
		for _, h := range pool.Holders() {
			all = append(all, Holder{
				Conn: h.Conn, HeldMS: ms(h.Held), InTransaction: h.InTransaction, Statement: u.statement(h.LastStatement), Origin: h.Origin,
				Activity: string(h.Activity), PID: h.Backend.PID, Server: h.Backend.Server, Role: h.Backend.Role,
			})
		}
		return all
	}
	generation := pool.Stats().Generation
	for _, r := range u.cfg.Leaks.Holders() {
		h := Holder{
			Conn: r.Conn, HeldMS: ms(r.Held), Leaked: r.Leaked, InTransaction: r.InTransaction, Statement: u.statement(r.LastStatement),
			Activity: string(r.Activity), PID: r.Backend.PID, Server: r.Backend.Server, Role: r.Backend.Role, Suspect: r.Generation < generation,
		}
		if r.Activity == sqlpool.ActivityIdle {
			h.IdleMS = ms(r.Idle)
		}
		for _, f := range r.Stack {
			h.Stack = append(h.Stack, Frame{f.Function, f.File, f.Line})
		}
		if len(h.Stack) > 0 {
			h.Origin = fmt.Sprintf("%s:%d (%s)", h.Stack[0].File, h.Stack[0].Line, h.Stack[0].Function)
		}
		all = append(all, h)
	}
	return all
}

// findBroken says of the holders whose connection is broken what broke it.
func findBroken(holders []Holder, conns []sqlpool.ConnInfo) {
	broken := make(map[uint64]error)
	for _, c := range conns {
		if c.Broken != nil {
			broken[c.ID] = c.Broken
		}
	}
	for i := range holders {
		if err := broken[holders[i].Conn]; err != nil {
			holders[i].Broken = cmp.Or(cause(err), "its driver has closed it")
		}
	}
}

// announced reports whether the borrower has been told of the loan. Only the
// hooks know.
func (u *UI) announced(c sqlpool.ConnInfo) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	last := u.announcements[c.ID]
	return last == nil || last.Load() == c.Loans
}

// stateOf is a connection's state as the page has it.
func stateOf(c sqlpool.ConnInfo, leaked, announced bool) string {
	switch {
	case leaked && c.State == sqlpool.ConnInUse:
		return "leaked"
	case c.State == sqlpool.ConnChecking, c.State == sqlpool.ConnGranted, c.State == sqlpool.ConnInUse && !announced:
		return "validating"
	}
	return string(c.State)
}

// Package slots keeps the books of a pool: what each of its slots is used for now,
// and how many loans, dials and closes there have been. A slot is taken when a dial
// begins and is free when its connection is gone.
//
// Move is the only way from one state to the next, and the only place where
// anything is counted, so that the figures cannot contradict each other and no
// counter runs backwards. A Book has no lock: its owner holds one around all of it.
package slots

import "fmt"

// State is what a slot, or the connection in it, is used for.
type State uint8

// The states, in the order of a connection's life.
const (
	// Dialing: there is no connection yet.
	Dialing State = iota

	// Idle: in the idle stack.
	Idle
	// Inspecting: out of the stack while a sweep looks at it, for a microsecond as a rule.
	Inspecting
	// Upkeep: out of the stack while it is pinged or cleaned up.
	Upkeep

	// Granted: an acquire has it and checks it. It is no loan yet.
	Granted
	// Reserved: granted to a session that has not used it yet. It may be revoked.
	Reserved
	// Lent: on loan.
	Lent
	// Returning: on loan, and its release is under way; a second one comes too late.
	Returning

	// Closing: retired. The slot is taken until the server's side is gone.
	Closing
	// Refused: Closing, but the pool never had it: a hook refused it when it was
	// new, so it counts as a failed dial and not as a close.
	Refused

	// Abandoned: cut off, and its slot is free. What uses it has not let go of it yet, and
	// gives it back when it does.
	Abandoned
	// Forced: the same, cut off on loan. Where a Loan holds it, its release is all that
	// comes.
	Forced
	// Gone: nothing is left of it.
	Gone

	states
)

var names = [states]string{"dialing", "idle", "inspecting", "upkeep", "granted", "reserved", "lent", "returning", "closing", "refused", "abandoned", "forced", "gone"}

// String returns the state's name.
func (s State) String() string {
	if s >= states {
		return "invalid"
	}
	return names[s]
}

// Lent reports whether a loan is out.
func (s State) Lent() bool { return s == Lent || s == Returning }

// Borrowed reports whether an acquire or a borrower has the connection, and not
// merely a session that may never use it.
func (s State) Borrowed() bool { return s == Granted || s.Lent() }

// Leaving reports whether the connection is on its way out, or gone.
func (s State) Leaving() bool { return s >= Closing }

// Cut reports whether the connection was cut off while it was used.
func (s State) Cut() bool { return s == Abandoned || s == Forced }

// HoldsSlot reports whether the slot is taken.
func (s State) HoldsSlot() bool { return s < Abandoned }

// next has the moves that there are.
var next = [states][]State{
	Dialing:    {Idle, Granted, Closing, Refused, Gone},
	Idle:       {Inspecting, Upkeep, Granted, Closing},
	Inspecting: {Idle, Upkeep, Granted, Closing},
	Upkeep:     {Idle, Granted, Closing, Abandoned},
	Granted:    {Granted, Idle, Upkeep, Reserved, Lent, Closing, Abandoned},
	Reserved:   {Idle, Granted, Lent, Closing},
	Lent:       {Idle, Upkeep, Granted, Returning, Closing, Forced},
	Returning:  {Idle, Upkeep, Granted, Closing, Abandoned},
	Closing:    {Gone},
	Refused:    {Gone},
	Abandoned:  {Gone},
	Forced:     {Gone},
}

// allowed is next as one word for each state: the check costs each loan three of them.
var allowed = func() (table [states]uint16) {
	for from, to := range next {
		for _, s := range to {
			table[from] |= 1 << s
		}
	}
	return table
}()

// Book has the figures of one pool. The zero Book is that of a pool without a slot
// taken.
type Book struct {
	now   [states]int
	taken int

	Acquires  uint64 // loans begun
	Releases  uint64 // loans ended
	PeakInUse int    // the most InUse has been

	Dials      uint64 // ended, failed ones included
	DialErrors uint64
	Closes     uint64 // connections whose slot is free again; Dials - DialErrors in the end
}

// Dial takes a slot. The connection that comes of it begins as Dialing, the zero
// State; a dial that brings none is ended with DialFailed.
func (b *Book) Dial() {
	b.now[Dialing]++
	b.taken++
}

// DialFailed ends a dial that brought no connection.
func (b *Book) DialFailed() {
	s := Dialing
	b.Move(&s, Gone)
}

// Move takes a connection from its state to the next. It panics when there is no
// such move: then two owners have the connection, and going on could lend it twice.
func (b *Book) Move(s *State, to State) {
	from := *s
	if allowed[from]&(1<<to) == 0 {
		panic(fmt.Sprintf("slots: a connection that is %v cannot become %v", from, to))
	}
	*s = to
	b.now[from]--
	b.now[to]++
	if from.HoldsSlot() && !to.HoldsSlot() {
		b.taken--
	}
	switch {
	case to.Lent() && !from.Lent():
		b.Acquires++
	case from.Lent() && !to.Lent():
		b.Releases++
	}
	switch from {
	case Dialing:
		b.Dials++
		if to == Refused || to == Gone {
			b.DialErrors++
		}
	case Closing:
		b.Closes++
	}
	switch to {
	case Abandoned, Forced:
		b.Closes++
	case Granted:
		b.PeakInUse = max(b.PeakInUse, b.InUse())
	}
}

// NeverConnected reports whether no dial has succeeded yet.
func (b *Book) NeverConnected() bool { return b.Dials == b.DialErrors }

// Taken is how many slots are taken.
func (b *Book) Taken() int { return b.taken }

// Dialing is how many dials are under way.
func (b *Book) Dialing() int { return b.now[Dialing] }

// Idle is how many connections are not lent, those that the pool itself looks at or
// works on included.
func (b *Book) Idle() int { return b.now[Idle] + b.Tended() }

// Tended is how many of the idle ones the pool looks at or works on.
func (b *Book) Tended() int { return b.now[Inspecting] + b.now[Upkeep] }

// Inspecting is how many of them a sweep looks at just now.
func (b *Book) Inspecting() int { return b.now[Inspecting] }

// InUse is how many connections are granted, reserved or lent.
func (b *Book) InUse() int { return b.now[Granted] + b.now[Reserved] + b.now[Lent] + b.now[Returning] }

// Closing is how many slots are taken by connections that are on their way out.
func (b *Book) Closing() int { return b.now[Closing] + b.now[Refused] }

// Open is how many connections there are that are not on their way out.
func (b *Book) Open() int { return b.taken - b.Dialing() - b.Closing() }

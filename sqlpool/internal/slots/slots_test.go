package slots_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

var all = []slots.State{
	slots.Dialing, slots.Idle, slots.Inspecting, slots.Upkeep, slots.Granted, slots.Reserved,
	slots.Lent, slots.Returning, slots.Closing, slots.Refused, slots.Abandoned, slots.Forced, slots.Gone,
}

// moves tries a move and reports whether there is one.
func moves(b *slots.Book, s *slots.State, to slots.State) (ok bool) {
	defer func() { ok = recover() == nil }()
	b.Move(s, to)
	return true
}

// TestTheFiguresHoldOnEveryWay takes connections on random ways through all the states
// and checks after each move what must hold at every instant.
func TestTheFiguresHoldOnEveryWay(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	var b slots.Book
	var conns []*slots.State
	seen := map[string]bool{}
	for range 30_000 {
		before := b
		if len(conns) < 5 {
			b.Dial()
			conns = append(conns, new(slots.State))
		}
		i := r.IntN(len(conns))
		from, to := *conns[i], all[r.IntN(len(all))]
		if !moves(&b, conns[i], to) {
			if *conns[i] != from {
				t.Fatalf("seed %d: a move from %v to %v that is refused leaves %v", seed, from, to, *conns[i])
			}
		} else {
			seen[fmt.Sprint(from, to)] = true
		}
		if *conns[i] == slots.Gone {
			conns[i] = conns[len(conns)-1]
			conns = conns[:len(conns)-1]
		}
		now := map[slots.State]int{}
		for _, c := range conns {
			now[*c]++
		}
		taken := len(conns) - now[slots.Abandoned] - now[slots.Forced]
		lent := now[slots.Lent] + now[slots.Returning]
		inUse := lent + now[slots.Granted] + now[slots.Reserved]
		if b.Taken() != taken || b.Dialing() != now[slots.Dialing] || b.InUse() != inUse || b.Inspecting() != now[slots.Inspecting] ||
			b.Closing() != now[slots.Closing]+now[slots.Refused] || b.Idle()+b.InUse()+b.Dialing()+b.Closing() != b.Taken() ||
			b.Open() != b.Idle()+b.InUse() || b.PeakInUse < b.InUse() {
			t.Fatalf("seed %d: %v and %+v", seed, now, b)
		}
		if b.Acquires-b.Releases != uint64(lent) || b.Dials-b.DialErrors-b.Closes != uint64(b.Open()+now[slots.Closing]) {
			t.Fatalf("seed %d: the counters do not fit what there is: %v and %+v", seed, now, b)
		}
		if b.Acquires < before.Acquires || b.Releases < before.Releases || b.Dials < before.Dials ||
			b.DialErrors < before.DialErrors || b.Closes < before.Closes || b.PeakInUse < before.PeakInUse {
			t.Fatalf("seed %d: a counter ran backwards from %+v to %+v", seed, before, b)
		}
	}
	if len(seen) != 43 {
		t.Errorf("%d kinds of moves were made, there should be 43", len(seen))
	}
}

func TestWhatIsCounted(t *testing.T) {
	for _, tt := range []struct {
		name string
		way  []slots.State // from Dialing on
		want slots.Book
	}{
		{"a loan", []slots.State{slots.Idle, slots.Granted, slots.Lent, slots.Idle, slots.Closing, slots.Gone},
			slots.Book{Acquires: 1, Releases: 1, PeakInUse: 1, Dials: 1, Closes: 1}},
		{"a loan released by its handle", []slots.State{slots.Granted, slots.Lent, slots.Returning, slots.Upkeep, slots.Granted, slots.Lent, slots.Closing, slots.Gone},
			slots.Book{Acquires: 2, Releases: 2, PeakInUse: 1, Dials: 1, Closes: 1}},
		{"a grant that its check takes back is no loan", []slots.State{slots.Granted, slots.Closing, slots.Gone},
			slots.Book{PeakInUse: 1, Dials: 1, Closes: 1}},
		{"a reservation is a loan when it is used", []slots.State{slots.Granted, slots.Reserved, slots.Granted, slots.Reserved, slots.Lent, slots.Closing, slots.Gone},
			slots.Book{Acquires: 1, Releases: 1, PeakInUse: 1, Dials: 1, Closes: 1}},
		{"a failed dial", []slots.State{slots.Gone}, slots.Book{Dials: 1, DialErrors: 1}},
		{"a refusal is a failed dial", []slots.State{slots.Refused, slots.Gone}, slots.Book{Dials: 1, DialErrors: 1}},
		{"a shutdown during the dial", []slots.State{slots.Closing, slots.Gone}, slots.Book{Dials: 1, Closes: 1}},
		{"a grant cut off was no loan", []slots.State{slots.Granted, slots.Abandoned, slots.Gone},
			slots.Book{PeakInUse: 1, Dials: 1, Closes: 1}},
		{"a loan cut off is closed once", []slots.State{slots.Granted, slots.Lent, slots.Forced, slots.Gone},
			slots.Book{Acquires: 1, Releases: 1, PeakInUse: 1, Dials: 1, Closes: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b slots.Book
			var s slots.State
			b.Dial()
			for _, to := range tt.way {
				b.Move(&s, to)
			}
			if b.Acquires != tt.want.Acquires || b.Releases != tt.want.Releases || b.PeakInUse != tt.want.PeakInUse ||
				b.Dials != tt.want.Dials || b.DialErrors != tt.want.DialErrors || b.Closes != tt.want.Closes || b.Taken() != 0 {
				t.Errorf("%+v, want %+v", b, tt.want)
			}
		})
	}
}

func TestAMoveThatIsNoneNamesBothStates(t *testing.T) {
	defer func() {
		if got, want := fmt.Sprint(recover()), "slots: a connection that is closing cannot become lent"; got != want {
			t.Errorf("panics with %q, want %q", got, want)
		}
	}()
	var b slots.Book
	s := slots.Closing
	b.Move(&s, slots.Lent)
}

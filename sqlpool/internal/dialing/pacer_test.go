package dialing

import (
	"math"
	"testing"
	"time"
)

const (
	ms = int64(time.Millisecond)
	s  = int64(time.Second)
)

// rules with which every delay is as long as it may be.
func rules() Rules {
	return Rules{
		First: 100 * time.Millisecond, Max: 16 * time.Second, Factor: 2, Patience: 10 * time.Second, Overtake: time.Second,
		Draw: func(limit int64) int64 { return limit },
	}
}

func TestTheDelayDoublesUpToMax(t *testing.T) {
	for _, tt := range []struct {
		rules Rules
		want  []int64
	}{
		{rules(), []int64{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 12800 * ms, 16 * s, 16 * s}},
		{Rules{First: time.Second, Max: time.Minute, Factor: 1}, []int64{s, s, s}},
	} {
		for i, want := range tt.want {
			if got := tt.rules.limit(i + 1); got != want {
				t.Errorf("limit after %d failures is %d, want %d", i+1, got, want)
			}
		}
		if got := tt.rules.limit(1 << 30); got > int64(tt.rules.Max) {
			t.Errorf("the limit grows past Max to %d", got)
		}
	}
	if got := later(1, math.MaxInt64); got != Never {
		t.Errorf("later wraps around to %d", got)
	}
}

// Of two dials that were under way together and fail, the second is no failure
// more to the backoff; one that began after the first failed is.
func TestDialsUnderWayTogetherFailTogether(t *testing.T) {
	p := Pacer{Rules: rules()}
	first := p.Ticket()
	p.Failed(0, first, Unanswered, false)
	p.Failed(0, first, Unanswered, false)
	if got := p.Due(Need{}); got != 100*ms || p.Failures() != 2 {
		t.Errorf("due at %d after %d failures", got, p.Failures())
	}
	between := p.Ticket()
	p.Failed(500*ms, first, Unanswered, false)
	p.Failed(s, between, Unanswered, false)
	if got := p.Due(Need{}); got != s+200*ms {
		t.Errorf("due at %d", got)
	}
}

// A dial that is silent is overtaken by another one each second, while one is wanted.
// The first of them to fail takes the wish of none away, and adds nothing to the
// backoff: the last one does.
func TestASilentDialIsOvertaken(t *testing.T) {
	p := Pacer{Rules: rules()}
	p.Failed(0, p.Ticket(), Unanswered, false)
	p.Want()
	var tickets []int64
	for at, n := 200*ms, (Need{Room: 4}); n.Room > 0; at += s {
		if at > 200*ms {
			if start, again := p.May(at-1, n); start != 0 || again != at {
				t.Fatalf("%d dials at %d, again at %d", start, at-1, again)
			}
		}
		start, again := p.May(at, n)
		if start != 1 || again != at+s {
			t.Fatalf("%d dials at %d, again at %d", start, at, again)
		}
		tickets = append(tickets, int64(p.Ticket()))
		n.Room, n.Dialing = n.Room-1, n.Dialing+1
	}
	p.Failed(5200*ms, uint64(tickets[0]), Unanswered, false)
	if start, _ := p.May(5200*ms, Need{Room: 1, Dialing: 3}); start != 1 || p.failures != 1 {
		t.Errorf("%d dials in place of the first, %d failures", start, p.failures)
	}
	p.Failed(10200*ms, p.Ticket(), Unanswered, false)
	if p.failures != 2 || p.wanted {
		t.Errorf("%d failures after the last one, wanted %v", p.failures, p.wanted)
	}
	if !p.Overtaken(9*s, 10200*ms) || p.Overtaken(10*s, 10200*ms) {
		t.Error("a dial is overtaken once it has been silent for a second")
	}
	p.Succeeded(0)
	if p.Overtaken(9*s, 20*s) {
		t.Error("overtaken without an outage")
	}
}

// While an acquire waits, the next probe is a twentieth of the outage's age away at
// most, from a quarter of the backoff's first delay to 200 ms. Where connections are
// left, or the server has said what it will say again, it is a quarter of that age away
// at most, and a second.
func TestAWantedProbeComesSoon(t *testing.T) {
	for _, tt := range []struct {
		first, age, backoff  int64
		alone, some, refused int64 // no connection left; some are; none, and the password is wrong
	}{
		{100 * ms, 0, 16 * s, 25 * ms, 200 * ms, 200 * ms},
		{100 * ms, 0, 20 * ms, 20 * ms, 20 * ms, 20 * ms},
		{100 * ms, 800 * ms, 16 * s, 40 * ms, 200 * ms, 200 * ms},
		{100 * ms, 2 * s, 16 * s, 100 * ms, 500 * ms, 500 * ms},
		{100 * ms, 3600 * s, 16 * s, 200 * ms, s, s},
		{500 * ms, 0, 16 * s, 125 * ms, 500 * ms, 500 * ms},
		{500 * ms, 3600 * s, 16 * s, 200 * ms, s, s},
		{2 * s, 3600 * s, 16 * s, 500 * ms, s, s},
		{5 * s, 0, 16 * s, s, s, s},
	} {
		for _, c := range []struct {
			name string
			kind Kind
			need Need
			want int64
		}{
			{"none is left", Unanswered, Need{}, tt.alone},
			{"none is left, and the server is full", Refused, Need{}, tt.alone},
			{"one is lent", Unanswered, Need{InUse: 1}, tt.some},
			{"one is looked at", Unanswered, Need{Idle: 1, Looking: 1}, tt.some},
			{"the password is wrong", Hopeless, Need{}, tt.refused},
		} {
			p := Pacer{Rules: rules(), failures: 3, since: 7, lastAt: 7 + tt.age, kind: c.kind}
			p.Rules.First = time.Duration(tt.first)
			p.dueAt = p.lastAt + tt.backoff
			if got := p.Due(c.need) - p.lastAt; got != tt.backoff {
				t.Errorf("%s, that no acquire wants: %d away, want %d", c.name, got, tt.backoff)
			}
			waits := c.need
			waits.Waiting = 1
			if got := p.Due(waits) - p.lastAt; got != c.want {
				t.Errorf("%s, outage of %d, first delay %d: %d away, want %d", c.name, tt.age, tt.first, got, c.want)
			}
			if !p.Want() || p.Want() || p.Due(c.need)-p.lastAt != c.want {
				t.Error("a wish is not one that waits")
			}
		}
	}
}

// One row is one moment of an outage that began at 0 with a failure of that kind.
func TestTheCircuitOpensByTheProofOfConnectionsAndNotByDialsAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		kind      Kind
		now       int64
		proved    int64 // the last proof
		need      Need
		open, ask bool
		again     int64
	}{
		"the first failure of a pool that works":       {Unanswered, 0, 0, Need{InUse: 5}, false, false, 10 * s},
		"just before its time":                         {Unanswered, 10*s - 1, 0, Need{InUse: 5}, false, false, 10 * s},
		"nothing proved, nothing answers":              {Unanswered, 10 * s, 0, Need{InUse: 5}, true, false, Never},
		"a connection proved itself a second ago":      {Unanswered, 60 * s, 59 * s, Need{InUse: 5}, false, false, 69 * s},
		"the last proof is 10 s old":                   {Unanswered, 60 * s, 50 * s, Need{InUse: 5}, true, false, Never},
		"idle ones of which nothing is known":          {Unanswered, 10 * s, 0, Need{Idle: 5}, false, true, Never},
		"idle ones, and the time is not up":            {Refused, 9 * s, 0, Need{Idle: 5}, false, false, 10 * s},
		"the server is full, and we hold some of it":   {Refused, 60 * s, 0, Need{InUse: 1}, false, false, Never},
		"the server is full, and we hold nothing":      {Refused, 60 * s, 0, Need{}, true, false, Never},
		"the server starts":                            {Unanswered, 9 * s, 0, Need{}, false, false, 10 * s},
		"a wrong password, and nothing is open":        {Hopeless, 0, 0, Need{}, true, false, Never},
		"a wrong password, and one is in use":          {Hopeless, 9 * s, 0, Need{InUse: 1}, false, false, 10 * s},
		"a wrong password, and one is of use":          {Hopeless, 60 * s, 59 * s, Need{InUse: 1}, false, false, 69 * s},
		"a wrong password, and one is leaked":          {Hopeless, 60 * s, 0, Need{InUse: 1}, true, false, Never},
		"a wrong password, and one is idle":            {Hopeless, s, 0, Need{Idle: 1}, false, false, 10 * s},
		"a wrong password, one is idle and was silent": {Hopeless, 60 * s, 0, Need{Idle: 1}, false, true, Never},
		"never connected":                              {Unanswered, 0, 0, Need{Never: true}, true, false, Never},
		"never connected, and the server is full":      {Refused, 0, 0, Need{Never: true}, true, false, Never},
		"never connected, and a hook has no place yet": {Deferred, 0, 0, Need{Never: true}, false, false, 10 * s},
		"never connected, and another dial may yet be": {Unanswered, 0, 0, Need{Never: true, Dialing: 1}, false, false, 10 * s},
	} {
		p := Pacer{Rules: rules()}
		p.Failed(0, 0, tt.kind, false)
		if tt.proved > 0 {
			p.Proved(tt.proved)
		}
		ask, again := p.Review(tt.now, tt.need)
		if ask != tt.ask || again != tt.again || p.Open() != tt.open {
			t.Errorf("%s: open %v, ask %v, again at %d; want %v, %v, %d", name, p.Open(), ask, again, tt.open, tt.ask, tt.again)
		}
	}
}

func TestAnOpenCircuitClosesWithAProofAndOpensAgainWithoutOne(t *testing.T) {
	p := Pacer{Rules: rules()}
	p.Failed(0, 0, Unanswered, false)
	p.Review(10*s, Need{})
	p.Proved(20 * s)
	if p.Open() || !p.Failing() {
		t.Fatal("a proof does not close the circuit, or ends the outage")
	}
	if _, again := p.Review(20*s, Need{InUse: 1}); again != 30*s || p.Open() {
		t.Errorf("again at %d", again)
	}
	if p.Review(30*s, Need{InUse: 1}); !p.Open() {
		t.Error("not open after FailFastAfter without a proof")
	}
	p.Succeeded(time.Millisecond)
	if p.Open() || p.Failing() || p.Hollow() {
		t.Error("a dial that succeeds does not end the outage")
	}
	if ask, again := p.Review(90*s, Need{}); ask || again != Never || p.Open() {
		t.Error("the circuit opens without an outage")
	}
}

func TestALoginProvesNothingOnceOneWasHollow(t *testing.T) {
	p := Pacer{Rules: rules()}
	p.Failed(0, 0, Refused, true)
	p.Failed(s, p.Ticket(), Unanswered, false)
	if !p.Hollow() {
		t.Error("forgotten within the outage")
	}
	p.Succeeded(0)
	if p.Hollow() {
		t.Error("remembered after it")
	}
}

// One connection that dies is no outage yet: the next login is tried at once, and
// if it is of no use either, a pool that never had a better one has no reason to
// wait.
func TestOneDeadConnectionIsFollowedByADialAtOnce(t *testing.T) {
	p := Pacer{Rules: rules()}
	p.Failed(s, p.Ticket(), Unanswered, true)
	if p.Review(s, Need{Useless: true}); p.Open() {
		t.Error("open after one")
	}
	if n, _ := p.May(s, Need{Room: 4}); n != 1 {
		t.Errorf("%d dials", n)
	}
	p.Failed(s, p.Ticket(), Unanswered, true)
	if n, again := p.May(s, Need{Room: 4}); n != 0 || again != s+200*ms {
		t.Errorf("%d dials, again at %d", n, again)
	}
	if p.Review(s, Need{}); p.Open() {
		t.Error("open although a connection was of use before")
	}
	if p.Review(s, Need{Useless: true, Dialing: 1}); p.Open() {
		t.Error("open although a dial is under way")
	}
	if p.Review(s, Need{Useless: true}); !p.Open() {
		t.Error("not open after two")
	}
}

func TestHowManyDialsMayStart(t *testing.T) {
	outage := func() *Pacer {
		p := &Pacer{Rules: rules()}
		p.Failed(0, 0, Unanswered, false)
		return p
	}
	healthy := func() *Pacer {
		p := &Pacer{Rules: rules()}
		p.Succeeded(80 * time.Millisecond) // an eighth: 10 ms
		p.May(100*ms, Need{Wanted: 1, Room: 4})
		return p
	}
	for name, tt := range map[string]struct {
		p     *Pacer
		now   int64
		need  Need
		start int
		again int64
	}{
		"nothing is wanted":                         {healthy(), 200 * ms, Need{Room: 4}, 0, Never},
		"what is wanted is under way":               {healthy(), 200 * ms, Need{Wanted: 2, Dialing: 2, Room: 4, Waiting: 2}, 0, Never},
		"no room":                                   {healthy(), 200 * ms, Need{Wanted: 5, Waiting: 5}, 0, Never},
		"nothing can come back: all at once":        {healthy(), 200 * ms, Need{Wanted: 5, Waiting: 5, Room: 4}, 4, Never},
		"the first while others are in use":         {healthy(), 200 * ms, Need{Wanted: 5, Waiting: 5, Room: 4, InUse: 1}, 1, 210 * ms},
		"the next before its time":                  {healthy(), 105 * ms, Need{Wanted: 5, Waiting: 5, Room: 3, InUse: 1, Dialing: 1}, 0, 110 * ms},
		"the next in its time":                      {healthy(), 110 * ms, Need{Wanted: 5, Waiting: 5, Room: 3, InUse: 1, Dialing: 1}, 1, 120 * ms},
		"one is looked at and may come in a moment": {healthy(), 200 * ms, Need{Wanted: 1, Waiting: 1, Room: 4, Looking: 1}, 0, 205 * ms},
		"more wait than are looked at":              {healthy(), 200 * ms, Need{Wanted: 2, Waiting: 2, Room: 4, Looking: 1}, 2, Never},
		"an outage, before the probe is due":        {outage(), 50 * ms, Need{Room: 4}, 0, 100 * ms},
		"an outage, one probe for many callers":     {outage(), 100 * ms, Need{Wanted: 9, Waiting: 9, Room: 4}, 1, 1100 * ms},
		"an outage, though no caller waits":         {outage(), 100 * ms, Need{Room: 4}, 1, Never},
		"an outage, the probe is under way":         {outage(), 500 * ms, Need{Wanted: 9, Waiting: 9, Room: 3, Dialing: 1}, 0, s},
		"… and has been silent for a second":        {outage(), s, Need{Wanted: 9, Waiting: 9, Room: 3, Dialing: 1}, 1, 2 * s},
		"… and no caller waits":                     {outage(), s, Need{Room: 3, Dialing: 1}, 0, Never},
		"… and there is no room":                    {outage(), s, Need{Wanted: 9, Waiting: 9, Dialing: 1}, 0, Never},
	} {
		start, again := tt.p.May(tt.now, tt.need)
		if start != tt.start || again != tt.again {
			t.Errorf("%s: %d dials, again at %d; want %d and %d", name, start, again, tt.start, tt.again)
		}
	}
}

// A dial that is held back for a connection that is looked at waits 5 ms, not for
// ever.
func TestALookHoldsADialBackForAMoment(t *testing.T) {
	p := Pacer{Rules: rules()}
	need := Need{Wanted: 1, Waiting: 1, Room: 1, Looking: 1}
	p.May(s, need)
	if n, again := p.May(s+4*ms, need); n != 0 || again != s+5*ms {
		t.Errorf("%d, again at %d", n, again)
	}
	if n, _ := p.May(s+5*ms, need); n != 1 {
		t.Errorf("%d dials", n)
	}
}

// A connection that came back after its look leaves nothing behind that would
// start the dial of the next one at once.
func TestEachLookHoldsADialBack(t *testing.T) {
	need := Need{Wanted: 1, Waiting: 1, Room: 1, Looking: 1}
	p := Pacer{Rules: rules()}
	if start, again := p.May(s, need); start != 0 || again != s+5*ms {
		t.Fatal(start, again)
	}
	p.Looked()
	if start, again := p.May(2*s, need); start != 0 || again != 2*s+5*ms {
		t.Errorf("a second later %d dials start, again at %d", start, again)
	}
}

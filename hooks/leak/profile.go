package leak

import (
	"runtime"
	"runtime/pprof"
	"sync"
)

// ProfileName is the runtime/pprof profile of the loans that are out.
const ProfileName = "sqlpool.inuse"

// inUse returns the process's one profile: NewProfile panics on a second one
// of the same name.
var inUse = sync.OnceValue(func() *pprof.Profile {
	if p := pprof.Lookup(ProfileName); p != nil {
		return p
	}
	return pprof.NewProfile(ProfileName)
})

// profile adds the loan to the profile, from the borrower's own frame on: go
// tool pprof counts a stack for its first function, and database/sql as the
// place of every leak says nothing.
//
// How many frames come before that one differs from call to call (a query, a
// transaction, a session that kept its connection, what the compiler inlined),
// so they are counted. runtime.Callers is what Add itself counts with:
// callers, which is faster, has other frames where functions were inlined.
func (r *record) profile() {
	var pcs [32]uintptr // as deep as Add looks
	frames := pcs[:runtime.Callers(1, pcs[:])]
	skip := 1 // this function, where frames begin
	for i, pc := range frames {
		if !ways.contain(pc) {
			skip += i
			break
		}
	}
	inUse().Add(r, skip)
}

// ways are the places in the code that lie between borrowers and connections.
var ways = places{plumbing: make(map[uintptr]bool)}

// places remembers which program counters are plumbing: to ask for the name of
// a function that was inlined allocates. There are no more of them than calls
// in the program's code.
type places struct {
	mu       sync.RWMutex
	plumbing map[uintptr]bool
}

func (p *places) contain(pc uintptr) bool {
	p.mu.RLock()
	inside, known := p.plumbing[pc]
	p.mu.RUnlock()
	if known {
		return inside
	}
	// pc is where the call returns to, which may be another function's code that
	// was inlined next to it; before it is the call.
	f := runtime.FuncForPC(pc - 1)
	inside = true
	if f != nil {
		file, _ := f.FileLine(pc - 1)
		inside = plumbing(f.Name(), file)
	}
	p.mu.Lock()
	p.plumbing[pc] = inside
	p.mu.Unlock()
	return inside
}

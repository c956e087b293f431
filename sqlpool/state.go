package sqlpool

// State is how a pool stands with its database.
type State int

const (
	// StateStarting: no connection has been opened yet.
	StateStarting State = iota
	// StateUp: the last dial succeeded, and the connection was of use.
	StateUp
	// StateRetrying: dials fail; acquires wait for a connection that works still,
	// or for the database to return.
	StateRetrying
	// StateDown: dials fail, and no connection has proved for FailFastAfter that
	// the database is there. Acquires without an idle connection fail at once.
	// Dials go on in the background.
	StateDown
	// StateClosed: Shutdown or Close was called.
	StateClosed
)

// String returns the state's name.
func (s State) String() string {
	return [...]string{"starting", "up", "retrying", "down", "closed"}[s]
}

// noteStateLocked notes a change of state, for tellStates, and reports whether there was
// one. err is the dial error behind it.
func (p *Pool) noteStateLocked(err error) bool {
	now := p.stateLocked()
	if now == p.noted {
		return false
	}
	p.changes = append(p.changes, StateChanged{From: p.noted, To: now, Err: err})
	p.noted = now
	return true
}

// stateMayMoveLocked is noteStateLocked where the hooks are told in the background.
func (p *Pool) stateMayMoveLocked(err error) {
	if p.noteStateLocked(err) {
		p.work.Go(p.tellStates)
	}
}

// tellStates tells the OnState hooks what has changed, in the order in which
// it did: one goroutine at a time, whichever came first.
func (p *Pool) tellStates() {
	for change, ok := p.nextChange(false); ok; change, ok = p.nextChange(true) {
		if err := watchAside("OnState", p.hooks.onState, change); err != nil {
			p.noteError(err)
		}
	}
}

// nextChange returns the next change to be told, if there is one and no other goroutine
// tells. mine says that it is the calling goroutine which tells at present.
func (p *Pool) nextChange(mine bool) (change StateChanged, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.telling && !mine {
		return StateChanged{}, false
	}
	if p.telling = len(p.changes) > 0; p.telling {
		change, p.changes = p.changes[0], p.changes[1:]
	}
	return change, p.telling
}

func (p *Pool) stateLocked() State {
	switch {
	case p.closed:
		return StateClosed
	case p.pacer.Open():
		return StateDown
	case p.pacer.Failing():
		return StateRetrying
	case p.slots.NeverConnected():
		return StateStarting
	default:
		return StateUp
	}
}

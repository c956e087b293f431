package sqlpool

import "time"

// Stats is a pool at one instant. Every gauge and counter in one value belongs
// to the same instant.
type Stats struct {
	Name  string // Config.Name
	State State

	// Gauges. Open = Idle + InUse + Dialing + Closing, never above MaxConns but
	// for a while after Resize has lowered it.
	MaxConns, Open, Idle, InUse, Dialing, Closing int

	MinIdle   int  // the limit, which Resize may have changed
	Paused    bool // acquires wait for Resume
	Waiting   int  // acquires in the queue
	PeakInUse int  // the most InUse has been

	// Acquires. A connection that is granted and turns out dead is no loan: it is in
	// InUse while it is checked and in none of these. WaitCount and WaitTime count
	// only those that had to wait. No counter ever runs backwards.
	AcquireCount uint64 // loans begun
	ReleaseCount uint64 // loans ended
	WaitCount    uint64
	WaitTime     time.Duration
	MaxWait      time.Duration // the longest of them

	// Acquires that failed, by what they returned. Canceled are those whose
	// caller gave up before AcquireTimeout; Saturated are ErrSaturated and ErrNoneIdle.
	TimeoutCount, CanceledCount, SaturatedCount, UnavailableCount uint64

	// Connections.
	DialCount      uint64 // dials ended, failed ones included
	DialErrorCount uint64
	CloseCount     uint64
	Generation     uint64 // grows when an error puts every connection under suspicion
	MisuseCount    uint64 // releases of loans that were not held
	ReadOnlyCount  uint64 // statements refused because the server only reads (25006), but in read-only transactions

	CreatedAt   time.Time
	LastError   string // the last dial error or fatal error, never with a secret in it
	LastErrorAt time.Time
}

// MeanWait is the time spent waiting per acquire, over all acquires: zero
// when none has been made.
func (s Stats) MeanWait() time.Duration {
	if s.AcquireCount == 0 {
		return 0
	}
	return s.WaitTime / time.Duration(s.AcquireCount)
}

// Stats returns the pool's figures as they are at the call. Their number does
// not depend on that of the connections: it may be called at any rate and allocates nothing.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.statsLocked()
}

func (p *Pool) statsLocked() Stats {
	s := p.stats
	s.State = p.stateLocked()
	s.Idle, s.InUse = p.slots.Idle(), p.slots.InUse()
	s.Dialing, s.Closing = p.slots.Dialing(), p.slots.Closing()
	s.Open = p.slots.Taken()
	s.PeakInUse = p.slots.PeakInUse
	s.AcquireCount, s.ReleaseCount = p.slots.Acquires, p.slots.Releases
	s.DialCount, s.DialErrorCount, s.CloseCount = p.slots.Dials, p.slots.DialErrors, p.slots.Closes
	s.Waiting = p.waiters.Len()
	s.Paused = p.paused
	s.Generation = p.generation.Load()
	return s
}

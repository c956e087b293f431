package debugui

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// mostReasons bounds the reasons that are counted apart: a hook can make up
// codes.
const (
	mostReasons = 32
	otherReason = "other"
)

func (u *UI) opened(e sqlpool.Opened) {
	now := time.Now()
	if e.Err != nil {
		if !errors.Is(e.Err, context.Canceled) { // the pool's own shutdown
			u.note(event{At: now, Kind: KindDialFailed, Text: u.redactError(e.Err)})
		}
		return
	}
	u.dial.Record(e.Took)
	announced := new(atomic.Uint64)
	e.Conn.SetValue(u, announced)
	u.mu.Lock()
	u.announcements[e.Conn.ID()] = announced
	u.mu.Unlock()
	u.note(event{At: now, Kind: KindOpened, Conn: e.Conn.ID()})
}

func (u *UI) acquired(e sqlpool.Acquired) {
	u.acquire.Record(e.Waited)
	if announced, ok := e.Conn.Value(u).(*atomic.Uint64); ok {
		announced.Store(e.Conn.Loans())
	}
}

func (u *UI) released(e sqlpool.Released) { u.held.Record(e.Held) }

func (u *UI) closed(e sqlpool.Closed) {
	code := cut(clean(sqlpool.ReasonCode(e.Reason)), 64)
	text := code
	if why := cause(e.Reason); why != "" {
		text += ": " + why
	}
	u.mu.Lock()
	counted := code
	if _, known := u.closes[code]; !known && len(u.closes) >= mostReasons {
		counted = otherReason
	}
	u.closes[counted]++
	delete(u.announcements, e.Conn.ID())
	u.mu.Unlock()
	u.note(event{At: time.Now(), Kind: KindClosed, Text: text, Conn: e.Conn.ID(), key: code})
}

func (u *UI) changed(e sqlpool.StateChanged) {
	now := time.Now()
	text := e.From.String() + " → " + e.To.String()
	if e.Err != nil {
		text += ": " + u.redactError(e.Err)
	}
	u.mu.Lock()
	u.seen.stateAt = now
	u.mu.Unlock()
	u.note(event{At: now, Kind: KindState, Text: text, alone: true, Level: levelOf(e.To)})
	u.sample(now) // the charts have the moment too
}

func (u *UI) note(e event) {
	u.mu.Lock()
	u.events.add(e)
	u.mu.Unlock()
}

// levelOf says how a state of the pool is to be taken.
func levelOf(s sqlpool.State) string {
	switch s {
	case sqlpool.StateDown:
		return Unhealthy
	case sqlpool.StateRetrying:
		return Degraded
	case sqlpool.StateUp:
		return Healthy
	}
	return ""
}

// clean keeps one line of what is printable.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

func cut(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "…"
}

package debugui

import (
	"regexp"
	"time"
)

// The kinds of events.
const (
	KindState      = "state"       // the pool lost or regained its database
	KindDialFailed = "dial_failed" // a dial failed
	KindOpened     = "opened"      // connections were opened
	KindClosed     = "closed"      // connections were closed, for one reason
	KindGeneration = "generation"  // every connection came under suspicion
	KindRefused    = "refused"     // acquires timed out or were refused
	KindLeak       = "leak"        // a loan is held too long, or came back after all
	KindControl    = "control"     // the pool was paused, resumed, resized or recycled
)

const (
	mostEvents = 200
	together   = 10 * time.Second // events of one cause that are this close are one
	lookBack   = 8                // events
)

// event is an Event that is still being counted.
type event struct {
	At    time.Time
	Last  time.Time
	Kind  string
	Level string
	Text  string
	Conn  uint64
	Count uint64

	key   string // what makes two of them the same cause; default Text without its numbers, which may be ports
	alone bool   // never counted together with another
}

var digits = regexp.MustCompile(`\d+`)

// timeline is the latest events, the oldest first.
type timeline struct{ list []event }

// add appends an event, or counts it with an earlier one of the same cause: a
// database that is away for an hour is one line and not a thousand.
func (t *timeline) add(e event) {
	if e.key == "" {
		e.key = digits.ReplaceAllString(e.Text, "#")
	}
	e.Last = e.At
	e.Count = max(e.Count, 1)
	for i := len(t.list) - 1; i >= 0 && i >= len(t.list)-lookBack && !e.alone; i-- {
		old := &t.list[i]
		if old.Kind == e.Kind && old.key == e.key && !old.alone && e.At.Sub(old.Last) <= together {
			old.Last, old.Conn, old.Text = e.At, e.Conn, e.Text
			old.Count += e.Count
			return
		}
	}
	if len(t.list) == mostEvents {
		t.list = append(t.list[:0], t.list[1:]...)
	}
	t.list = append(t.list, e)
}

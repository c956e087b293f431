package sqlpool

import (
	"testing"
	"time"
)

// A stretch begins anew with each loan that was no short one, and with each poll.
func TestAStretchBeginsAnew(t *testing.T) {
	var s starvation
	for _, step := range []struct {
		now, held, waited time.Duration
		due               bool
	}{
		{now: 1000, held: 500, waited: 50}, // fed
		{now: 1090, held: 10, waited: 50},
		{now: 1100, held: 10, waited: 50}, // the stretch has lasted 100 and no longer
		{now: 1101, held: 10, waited: 50, due: true},
		{now: 1201, held: 10, waited: 50},
		{now: 1202, held: 100, waited: 50, due: true}, // a loan of 100 is a short one
		{now: 1290, held: 101, waited: 50},            // fed
		{now: 1390, held: 10, waited: 50},
		{now: 1391, held: 10, waited: 1600}, // who waits 1600 may wait 200 for its reply
		{now: 1490, held: 10, waited: 1600},
		{now: 1491, held: 200, waited: 1600, due: true},
		{now: 1700, held: 201, waited: 1600}, // fed
		{now: 1800, held: 10, waited: 0},
		{now: 1801, held: 10, waited: 0, due: true},
		{now: 1700, held: 10, waited: 0}, // the clock of another release was read before
		{now: 1901, held: 10, waited: 0},
		{now: 1902, held: 10, waited: 0, due: true},
		{now: 2152, held: 10, waited: 2000},
		{now: 2153, held: 10, waited: 2000, due: true},
		{now: 2500, held: 10, waited: 2001}, // who waits longer does not notice
		{now: 2601, held: 10, waited: 0, due: true},
	} {
		now, held, waited := step.now*time.Microsecond, step.held*time.Microsecond, step.waited*time.Microsecond
		if due := s.dueLocked(int64(now), int64(held), int64(waited)); due != step.due {
			t.Errorf("at %v, after a loan of %v and a wait of %v: due is %v", now, held, waited, due)
		}
	}
}

// Processors that have no time for a poll, twice in a row, are left alone for a
// while.
func TestSlowPollsArePaused(t *testing.T) {
	var s starvation
	now := time.Second
	poll := func(took time.Duration) bool {
		now += time.Millisecond
		if !s.dueLocked(int64(now), 0, 0) {
			return false
		}
		s.tookLocked(int64(now), int64(now+took))
		now += took
		return true
	}
	for _, took := range []time.Duration{time.Millisecond, 6 * time.Millisecond, 5 * time.Millisecond, 6 * time.Millisecond, 6 * time.Millisecond} {
		if !poll(took) {
			t.Fatalf("no poll at %v", now)
		}
	}
	rested := now + pollRest
	for now < rested-time.Millisecond {
		if poll(0) {
			t.Fatalf("a poll %v after two slow ones", now-rested+pollRest)
		}
	}
	if !poll(6 * time.Millisecond) {
		t.Error("no poll after the rest")
	}
	if poll(0) {
		t.Error("a slow poll after the rest shows that nothing has changed")
	}
}

// Callers who poll at the same time and are held up by one thing are no row.
func TestOneStallIsOneSlowPoll(t *testing.T) {
	var s starvation
	now, stall := int64(time.Second), int64(20*time.Millisecond)
	for from := now; from < now+stall; from += int64(time.Millisecond) {
		s.tookLocked(from, now+stall)
	}
	if s.restUntil != 0 {
		t.Error("one stall ended the polls")
	}
	s.tookLocked(now+stall, now+2*stall)
	if s.restUntil != now+2*stall+int64(pollRest) {
		t.Errorf("after the second one polls rest until %v", time.Duration(s.restUntil))
	}
}

package sqlpool

import (
	"slices"
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

// Processors that have no time for polls are left alone for a while.
func TestSlowPollsArePaused(t *testing.T) {
	for _, c := range []struct {
		name  string
		took  []time.Duration // in turn
		rests bool
	}{
		{"as usual", []time.Duration{200, 200, 1000, 200, 400, 3000}, false},
		{"now and then a stall", append(slices.Repeat([]time.Duration{400}, 50), 60_000), false},
		{"slow", []time.Duration{4900}, true},
		{"very slow", []time.Duration{100_000}, true},
		{"every other one", []time.Duration{100, 20_000}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s starvation
			now, polling, rested := int64(time.Second), int64(0), false
			for i := 0; now < int64(time.Minute); now += int64(200 * time.Microsecond) {
				if !s.dueLocked(now, 0, 0) {
					continue
				}
				took := int64(c.took[i%len(c.took)] * time.Microsecond)
				s.tookLocked(now, now+took)
				now, polling, i = now+took, polling+took, i+1
				rested = rested || s.restUntil > now
			}
			if rested != c.rests {
				t.Errorf("polls rest: %v, want %v", rested, c.rests)
			}
			if share := float64(polling) / float64(time.Minute); c.rests && share > 0.05 {
				t.Errorf("%.0f %% of the time was spent in polls", 100*share)
			}
		})
	}
}

// Callers who poll at the same time and are held up by one thing count once.
func TestOneStallIsOneSlowPoll(t *testing.T) {
	var s starvation
	now, stall := int64(time.Second), int64(20*time.Millisecond)
	for from := now; from < now+stall; from += int64(time.Millisecond) {
		s.tookLocked(from, now+stall)
	}
	if want := int64(longestPoll) / 16; s.usual != want || s.restUntil != 0 {
		t.Errorf("after a stall polls take %v, rest until %v; want %v and no rest", s.usual, s.restUntil, want)
	}
}

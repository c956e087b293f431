package route

import (
	"testing"
	"time"
)

func TestPositionsTellWhatAReplicaHasAndSinceWhenItLacksTheRest(t *testing.T) {
	var p positions
	begun := time.Now()
	at := func(second int) time.Time { return begun.Add(time.Duration(second) * time.Second) }
	for i, lsn := range []uint64{100, 200, 200, 300, 400} {
		p.add(position{number: uint64(i + 1), at: at(i), lsn: lsn})
	}
	for _, tt := range []struct {
		lsn, number uint64
		lag         time.Duration
	}{
		{99, 0, 4 * time.Second},
		{100, 1, 3 * time.Second},
		{199, 1, 3 * time.Second},
		{200, 3, time.Second},
		{399, 4, 0}, // it lacks what was asked for just now
		{400, 5, 0},
		{900, 5, 0},
	} {
		if number, lag := p.reached(tt.lsn); number != tt.number || lag != tt.lag {
			t.Errorf("at %d: question %d and %v behind, want %d and %v", tt.lsn, number, lag, tt.number, tt.lag)
		}
	}
	if a, ok := p.after(2); !ok || a.number != 3 {
		t.Errorf("after 2: %+v, %v", a, ok)
	}
	if _, ok := p.after(5); ok {
		t.Error("there is an answer after the last")
	}
}

// A list that is full forgets every other answer, never the oldest or the latest.
func TestPositionsAreBounded(t *testing.T) {
	var p positions
	for i := range uint64(10 * positionsKept) {
		p.add(position{number: i + 1, lsn: i})
		if last := p[len(p)-1]; last.number != i+1 || len(p) > positionsKept {
			t.Fatalf("%d positions, the last %+v", len(p), last)
		}
	}
	for i := 1; i < len(p); i++ {
		if p[i].number <= p[i-1].number {
			t.Fatalf("%d follows %d", p[i].number, p[i-1].number)
		}
	}
	if p[0].number != 1 {
		t.Errorf("the oldest is number %d", p[0].number)
	}
}

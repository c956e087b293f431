package route

import (
	"testing"
	"time"
)

func TestPositionsTellWhatAReplicaHasAndLacks(t *testing.T) {
	var p positions
	begun := time.Now()
	at := func(second int) time.Time { return begun.Add(time.Duration(second) * time.Second) }
	for i, lsn := range []uint64{100, 200, 200, 300, 400} {
		p.add(position{number: uint64(i + 1), at: at(i), lsn: lsn})
	}
	for _, tt := range []struct {
		lsn, number, lacks uint64
	}{
		{99, 0, 1},
		{100, 1, 2},
		{199, 1, 2},
		{200, 3, 4},
		{399, 4, 5},
		{400, 5, 0},
		{900, 5, 0},
	} {
		if number, lacks := p.reached(tt.lsn); number != tt.number || lacks.number != tt.lacks {
			t.Errorf("at %d: it has %d and lacks %d, want %d and %d", tt.lsn, number, lacks.number, tt.number, tt.lacks)
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
	begun := time.Now()
	for i := range uint64(10 * positionsKept) {
		p.add(position{number: i + 1, lsn: i, at: begun.Add(time.Duration(i) * interval)})
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

// However often the primary is asked, the list goes back as far as with a question each interval, and has the latest.
func TestManyAnswersAtOnceShortenNoList(t *testing.T) {
	var p positions
	begun := time.Now()
	for i := range uint64(10000) {
		p.add(position{number: i + 1, lsn: i, at: begun.Add(time.Duration(i) * time.Millisecond)})
		if p[len(p)-1].number != i+1 {
			t.Fatalf("the last is %+v, not number %d", p[len(p)-1], i+1)
		}
	}
	if n := int(10 * time.Second / interval); len(p) > 2*n+2 || len(p) < n/2 {
		t.Errorf("%d positions in ten seconds", len(p))
	}
}

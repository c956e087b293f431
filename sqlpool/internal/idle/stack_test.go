package idle_test

import (
	"slices"
	"testing"

	"github.com/sqlpool/go/sqlpool/internal/idle"
)

func stack() *idle.Stack[string] {
	var s idle.Stack[string]
	s.Push("a", 10)
	s.Push("c", 30)
	s.Push("d", 30)
	s.Push("b", 20) // comes late, as a ping does that took its time
	return &s
}

func TestWhatWasUsedLastIsLentFirst(t *testing.T) {
	s := stack()
	if got := s.All(); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("%q", got)
	}
	for _, want := range []string{"d", "c", "b", "a"} {
		if got, ok := s.Pop(); got != want || !ok {
			t.Errorf("%q %v, want %q", got, ok, want)
		}
	}
	if got, ok := s.Pop(); ok || s.Len() != 0 {
		t.Errorf("%q of an empty stack", got)
	}
}

func TestUnusedOnesAreTakenFromTheBottom(t *testing.T) {
	for since, want := range map[int64][]string{
		10: nil, 11: {"a"}, 20: {"a"}, 30: {"a", "b"}, 31: {"a", "b", "c", "d"},
	} {
		s := stack()
		if got := s.DropUnused(since); !slices.Equal(got, want) || s.Len() != 4-len(want) {
			t.Errorf("not used since %d: %q and %d left, want %q", since, got, s.Len(), want)
		}
	}
}

func TestOneIsTakenOutOfTheMiddle(t *testing.T) {
	s := stack()
	if !s.Drop("b") || s.Drop("b") || s.Drop("x") {
		t.Error("Drop does not tell what is there")
	}
	if got, ok := s.DropOldest(); got != "a" || !ok {
		t.Errorf("the oldest is %q, %v", got, ok)
	}
	if got := s.All(); !slices.Equal(got, []string{"c", "d"}) {
		t.Errorf("%q", got)
	}
	var empty idle.Stack[string]
	if _, ok := empty.DropOldest(); ok || empty.All() != nil {
		t.Error("an empty stack has something")
	}
}

func TestAFullStackAllocatesNothing(t *testing.T) {
	s := stack()
	if n := testing.AllocsPerRun(100, func() {
		v, _ := s.Pop()
		s.Push(v, 40)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

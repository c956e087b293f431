// Package idle holds what is not in use, what was used last on top. It is lent
// first, so that the rest can age. A Stack has no lock.
package idle

import "slices"

// Stack is ordered by when its items were last used. The zero Stack is empty.
type Stack[T comparable] struct{ items []item[T] }

type item[T any] struct {
	value T
	since int64 // when it was last used
}

// Len is how many there are.
func (s *Stack[T]) Len() int { return len(s.items) }

// Push puts v where its time belongs: nearly always on top.
func (s *Stack[T]) Push(v T, since int64) {
	i := len(s.items)
	if i == 0 || s.items[i-1].since <= since {
		s.items = append(s.items, item[T]{v, since})
		return
	}
	for i > 0 && s.items[i-1].since > since {
		i--
	}
	s.items = slices.Insert(s.items, i, item[T]{v, since})
}

// Pop takes out what was used last, or returns false.
func (s *Stack[T]) Pop() (v T, ok bool) {
	last := len(s.items) - 1
	if last < 0 {
		return v, false
	}
	v = s.items[last].value
	s.items[last] = item[T]{}
	s.items = s.items[:last]
	return v, true
}

// Drop takes v out of the middle and reports whether it was there.
func (s *Stack[T]) Drop(v T) bool {
	i := slices.IndexFunc(s.items, func(it item[T]) bool { return it.value == v })
	if i < 0 {
		return false
	}
	s.items = slices.Delete(s.items, i, i+1)
	return true
}

// DropOldest takes out what was used longest ago, or returns false.
func (s *Stack[T]) DropOldest() (v T, ok bool) {
	if len(s.items) == 0 {
		return v, false
	}
	v = s.items[0].value
	s.items = slices.Delete(s.items, 0, 1)
	return v, true
}

// DropUnused takes out all that were not used since then, the oldest first.
func (s *Stack[T]) DropUnused(since int64) []T {
	n := 0
	for n < len(s.items) && s.items[n].since < since {
		n++
	}
	unused := values(s.items[:n])
	s.items = slices.Delete(s.items, 0, n)
	return unused
}

// All returns what there is, the oldest first.
func (s *Stack[T]) All() []T { return values(s.items) }

func values[T any](items []item[T]) []T {
	if len(items) == 0 {
		return nil
	}
	all := make([]T, len(items))
	for i, it := range items {
		all[i] = it.value
	}
	return all
}

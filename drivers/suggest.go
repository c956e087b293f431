package drivers

import "strings"

// suggest says what a wrong name may have been meant to be.
func suggest(name string) string {
	name = strings.ToLower(name)
	best, distance := "", 0
	for i := range settings {
		s := &settings[i]
		if name == strings.ToLower(s.env) {
			return "in a connection string it is called " + s.name
		}
		for _, candidate := range append([]string{s.name}, s.aliases...) {
			d := editDistance(name, candidate)
			if best == "" || d < distance {
				best, distance = candidate, d
			}
		}
	}
	// All names begin with the same five letters, which nobody gets wrong.
	if letters := len(name) - len(prefix); distance <= max(1, letters/3) {
		return "did you mean " + best + "?"
	}
	return "remove it, or use a name from the list"
}

// editDistance counts the letters to insert, remove, replace or swap with their
// neighbour to get from a to b (optimal string alignment).
func editDistance(a, b string) int {
	if len(a) > 100 {
		return len(a)
	}
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			now[j] = min(replaced, last[j]+1, now[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}

package byname

import (
	"cmp"
	"slices"
	"strings"
)

// mostSuggestions is how many names an error offers: a list of all of them is
// too long for a log.
const mostSuggestions = 3

const whereAllAre = "docs/settings.md lists all settings"

// suggest says what a wrong name may have been meant to be.
func suggest(name string) string {
	name = strings.ToLower(name)
	for i := range settings {
		if name == strings.ToLower(settings[i].env) {
			return "in a connection string it is called " + settings[i].name
		}
	}
	near := misspelt(name)
	if near == nil {
		near = related(name)
	}
	if near == nil {
		return "remove it; " + whereAllAre
	}
	return "did you mean " + alternatives(near) + "? " + whereAllAre
}

// misspelt returns the names that a few letters turn the wrong one into, the
// nearest first.
func misspelt(name string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var all []candidate
	for i := range settings {
		for _, n := range append([]string{settings[i].name}, settings[i].aliases...) {
			all = append(all, candidate{n, editDistance(name, n)})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	// All names begin with the same five letters, which are seldom wrong.
	most := min(max(1, (len(name)-len(prefix))/3), all[0].distance+1)
	var near []string
	for _, c := range all[:mostSuggestions] {
		if c.distance <= most {
			near = append(near, c.name)
		}
	}
	return near
}

// related returns the settings whose names share most words with the wrong one,
// such as pool_acquire_timeout for pool_timeout. They stand in the table's order,
// which is that of how often they are wanted.
func related(name string) []string {
	words := strings.Split(strings.TrimPrefix(name, prefix), "_")
	most := 0
	var near []string
	for i := range settings {
		shared := 0
		for word := range strings.SplitSeq(strings.TrimPrefix(settings[i].name, prefix), "_") {
			if slices.Contains(words, word) {
				shared++
			}
		}
		if shared > most {
			most, near = shared, nil
		}
		if shared == most && shared > 0 && len(near) < mostSuggestions {
			near = append(near, settings[i].name)
		}
	}
	return near
}

// alternatives writes a, b or c.
func alternatives(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
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

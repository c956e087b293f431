package byname

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/hooks/fleet"
)

// value is how a setting is written: what it must be, an example of it, and
// where in an assembly it goes.
type value struct {
	kind    string // for the documentation
	unit    string
	rule    string // completes "it must be"
	example string
	wait    bool // a length that a caller sits out: an hour of it is seldom meant

	set func(a *assembly, text string) bool // false: against the rule, and nothing is set
	get func(a *assembly) string
}

// mostBackends is PostgreSQL's own limit of max_connections (MAX_BACKENDS,
// 2¹⁸−1): more than that is a slip of the keyboard, and the pool would make
// room for it.
const mostBackends = 1<<18 - 1

// count is a whole number from least to most.
func count(unit string, least, most int, field func(*assembly) *int) value {
	rule := fmt.Sprintf("a whole number from %d to %d", least, most)
	if most == math.MaxInt {
		rule = fmt.Sprintf("a whole number, at least %d", least)
	}
	return value{
		kind: "number", unit: unit, rule: rule, example: strconv.Itoa(max(least, 20)),
		set: func(a *assembly, text string) bool {
			n, err := strconv.Atoi(text)
			if err != nil || n < least || n > most {
				return false
			}
			*field(a) = n
			return true
		},
		get: func(a *assembly) string { return strconv.Itoa(*field(a)) },
	}
}

// fleetLimit is a limit that several pools share, or 0 for none.
func fleetLimit(field func(*assembly) *int) value {
	v := count("connections", 0, fleet.MostConns, field)
	set := v.set
	v.rule = fmt.Sprintf("0 or a whole number from 2 to %d", fleet.MostConns)
	v.example = "200"
	v.set = func(a *assembly, text string) bool { return strings.TrimLeft(text, "+0") != "1" && set(a, text) }
	return v
}

// unset makes a value say in words what its zero, or whatever stands for no
// choice, means as a default.
func (v value) unset(words string, is func(*assembly) bool) value {
	get := v.get
	v.get = func(a *assembly) string {
		if is(a) {
			return words
		}
		return get(a)
	}
	return v
}

// factor is a decimal number from 1 up.
func factor(field func(*assembly) *float64) value {
	return value{
		kind: "decimal", unit: "times", rule: "a decimal number from 1 to 1000", example: "2",
		set: func(a *assembly, text string) bool {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil || !(f >= 1 && f <= 1000) { // NaN too
				return false
			}
			*field(a) = f
			return true
		},
		get: func(a *assembly) string { return strconv.FormatFloat(*field(a), 'g', -1, 64) },
	}
}

// boolean is yes or no in the spellings of PostgreSQL, Go and Python.
func boolean(example string, set func(*assembly, bool), get func(*assembly) bool) value {
	return value{
		kind: "boolean", unit: "", rule: "true or false (also yes, no, on, off, 1, 0)", example: example,
		set: func(a *assembly, text string) bool {
			text = strings.ToLower(text)
			yes := slices.Contains([]string{"true", "yes", "on", "1"}, text)
			if !yes && !slices.Contains([]string{"false", "no", "off", "0"}, text) {
				return false
			}
			set(a, yes)
			return true
		},
		get: func(a *assembly) string { return strconv.FormatBool(get(a)) },
	}
}

// label is a short text that can stand in a log line and a metric's label.
func label(field func(*assembly) *string) value {
	return value{
		kind: "text", rule: "1 to 63 printable characters", example: "orders",
		set: func(a *assembly, text string) bool {
			unprintable := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
			if text == "" || len(text) > 63 || strings.ContainsFunc(text, unprintable) {
				return false
			}
			*field(a) = text
			return true
		},
		get: func(a *assembly) string { return *field(a) },
	}
}

// serverList is the kind of a list of servers.
const serverList = "list"

// servers is a list of servers, each of them once.
func servers(most int, field func(*assembly) *[]onehost.Host) value {
	return value{
		kind: serverList, example: "db2:5432,db3:5432",
		rule: fmt.Sprintf("a list of at most %d different servers with commas between them: each a host, host:port, [IPv6 address]:port, or the directory of a Unix socket", most),
		set: func(a *assembly, text string) bool {
			var all []onehost.Host
			for part := range strings.SplitSeq(text, ",") {
				h, ok := onehost.Parse(strings.TrimSpace(part))
				if !ok || slices.Contains(all, h) || len(all) == most {
					return false
				}
				all = append(all, h)
			}
			*field(a) = all
			return true
		},
		get: func(a *assembly) string {
			var all []string
			for _, h := range *field(a) {
				all = append(all, h.String())
			}
			return strings.Join(all, ",")
		},
	}
}

// word is one of a few words.
func word[T comparable](words map[string]T, field func(*assembly) *T) value {
	all := slices.Sorted(maps.Keys(words))
	return value{
		kind: "word", rule: alternatives(all), example: all[len(all)-1],
		set: func(a *assembly, text string) bool {
			w, ok := words[text]
			if ok {
				*field(a) = w
			}
			return ok
		},
		get: func(a *assembly) string {
			for _, name := range all {
				if words[name] == *field(a) {
					return name
				}
			}
			return ""
		},
	}
}

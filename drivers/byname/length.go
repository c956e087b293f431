package byname

import (
	"fmt"
	"strings"
	"time"
)

// length is a length of time above zero.
func length(field func(*assembly) *time.Duration) value {
	return lengthFrom(1, "a length of time above 0, such as 1m30s, or in seconds", field)
}

// wait is a length of time above zero that a caller sits out.
func wait(field func(*assembly) *time.Duration) value { return length(field).waited() }

func (v value) waited() value {
	v.wait = true
	return v
}

// lengthOrZero is a length of time, where 0 has a meaning of its own.
func lengthOrZero(zero string, field func(*assembly) *time.Duration) value {
	return lengthFrom(0, "a length of time such as 1m30s, or in seconds, or 0 for "+zero, field)
}

func lengthFrom(least time.Duration, rule string, field func(*assembly) *time.Duration) value {
	return value{
		kind: "duration", unit: "seconds", rule: rule, example: "30s",
		set: func(a *assembly, text string) bool {
			d, ok := parseLength(text)
			if !ok || d < least {
				return false
			}
			*field(a) = d
			return true
		},
		get: func(a *assembly) string { return shortest(*field(a)) },
	}
}

// parseLength reads a Go duration, or a decimal number of seconds to the
// nanosecond. Through a float64, 86400.000000001 would lose its end, and NaN
// would be a number.
func parseLength(text string) (time.Duration, bool) {
	if strings.Trim(text, "0123456789.") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// longest is the length from which a wait is as good as one without an end.
const longest = time.Hour

// warning says how a wait was read that is too long to be meant. 5000 is 83
// minutes, where 5 seconds were meant.
func (s *setting) warning(g given) string {
	d, ok := parseLength(g.text)
	switch {
	case !s.value.wait || !ok || d < longest:
		return ""
	case strings.Trim(g.text, "0123456789.") == "":
		return fmt.Sprintf("%s=%s is read as seconds, which is %s: write %[1]s=%[2]sms if milliseconds are meant", g.name, g.text, shortest(d))
	}
	return fmt.Sprintf("%s=%s is read as %s: an hour or more of it is seldom meant", g.name, g.text, shortest(d))
}

// shortest writes 1h0m0s as 1h.
func shortest(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

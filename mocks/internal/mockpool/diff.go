package mockpool

import (
	"fmt"
	"strings"
)

// diff shows what was expected beside what came. err is go-sqlmock's own
// sentence about the first expectation that was not met.
func (m *mockDB) diff(err error) string {
	expected, ok := expectations(m.mock)
	if !ok {
		return err.Error() + m.calls()
	}
	var b strings.Builder
	missing := 0
	for _, e := range expected {
		if !e.met {
			missing++
		}
	}
	fmt.Fprintf(&b, "%d of %d expectations not met (-)\nexpected:", missing, len(expected))
	for _, e := range expected {
		mark := " "
		if !e.met {
			mark = "-"
		}
		fmt.Fprintf(&b, "\n  %s %s", mark, e.text)
	}
	return b.String() + m.calls()
}

// calls lists what came; an error is the mock's answer, mocked or a refusal.
func (m *mockDB) calls() string {
	list := m.came.list()
	if len(list) == 0 {
		return "\ncame: nothing"
	}
	var b strings.Builder
	b.WriteString("\ncame:")
	for _, c := range list {
		b.WriteString("\n    " + strings.ReplaceAll(c, "\n", "\n        "))
	}
	return b.String()
}

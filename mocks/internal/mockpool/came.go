package mockpool

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"sync"
)

// came is what reached the mock, in its order.
type came struct {
	mu    sync.Mutex
	calls []string
}

// add notes a call. Its arguments are the test's own, so they may be shown.
func (c *came) add(op, query string, args []driver.NamedValue, err error) {
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a.Value
		if a.Name != "" {
			values[i] = a.Name + "=" + show(a.Value)
		}
	}
	text := line(op, query, values)
	if err != nil {
		// Go-sqlmock adds the next expectation, which the diff has already.
		said, _, _ := strings.Cut(err.Error(), ", next expectation is:")
		text += "\nerror: " + said
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, text)
}

func (c *came) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.calls...)
}

// line is a call, or an expected one, in one line.
func line(op, query string, args []any) string {
	if query != "" {
		op += " " + strings.Join(strings.Fields(query), " ")
	}
	if len(args) > 0 {
		shown := make([]string, len(args))
		for i, a := range args {
			shown[i] = show(a)
		}
		op += " with " + strings.Join(shown, ", ")
	}
	return op
}

func show(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case []byte:
		return fmt.Sprintf("%q", v)
	default:
		return fmt.Sprintf("%v", v)
	}
}

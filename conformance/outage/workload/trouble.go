package workload

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// troubleKept is how many errors are kept in full: the first ones tell most.
const troubleKept = 3

// trouble is every error that was not planned.
type trouble struct {
	mu       sync.Mutex
	count    int
	badConns int
	first    []string
}

func (t *trouble) note(operation string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	if isBadConn(err) {
		t.badConns++
	}
	if len(t.first) < troubleKept {
		t.first = append(t.first, fmt.Sprintf("%s: %v", operation, err))
	}
}

// sum returns both counts and the first errors as one text.
func (t *trouble) sum() (count, badConns int, first string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count, t.badConns, strings.Join(t.first, " | ")
}

// isBadConn reports database/sql's "driver: bad connection", also when something on the way kept only its text.
func isBadConn(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || strings.Contains(err.Error(), driver.ErrBadConn.Error())
}

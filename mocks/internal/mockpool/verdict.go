package mockpool

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/sqlpool/go/hooks/leak"
)

// grace is how long connections may take to come back after the test has
// ended: database/sql gives some back in goroutines of its own, after a context
// has ended. Only a test that leaks waits so long.
const grace = time.Second

// verdict ends the database and fails the test for what was not given back and
// for what was expected and did not come. A clean test hears nothing.
func (m *mockDB) verdict(db *sql.DB) {
	m.t.Helper()
	m.report(m.loans.root)
	m.endLife()
	leaks := m.loans.count() > 0
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	if leaks {
		cancel() // they will not come back
	}
	defer cancel()
	if err := m.pool.Shutdown(ctx); err != nil && !leaks {
		m.t.Errorf("%s: %v", m.opts.Package, err)
	}
	// Before the mock is closed: a Close that the test did not call meets no expectation.
	if err := m.mock.ExpectationsWereMet(); err != nil {
		m.t.Errorf("%s: %s", m.opts.Package, m.diff(err))
	}
	_ = db.Close() // of a test that did not: its Close belongs to no expectation
	_ = m.pinned.Close()
	ofMock.Delete(m.mock)
	if m.opts.DSN != "" {
		named.Delete(m.opts.DSN)
	}
}

// accuse names what was not given back, and the line that had it.
func accuse(l leak.Report) string {
	what := "Rows, a Stmt's Rows or a Conn was not closed"
	if l.InTransaction {
		what = "a Tx was neither committed nor rolled back"
	}
	if l.LastStatement != "" {
		what += fmt.Sprintf("; last statement %q", l.LastStatement)
	}
	if len(l.Stack) == 0 {
		return "leak: " + what
	}
	f := l.Stack[0]
	text := fmt.Sprintf("leak at %s:%d: %s", f.File, f.Line, what)
	for _, f := range l.Stack {
		if strings.HasPrefix(f.Function, "testing.") {
			break
		}
		text += fmt.Sprintf("\n\t%s\n\t\t%s:%d", f.Function, f.File, f.Line)
	}
	return text
}

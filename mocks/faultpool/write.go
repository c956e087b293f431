package faultpool

import (
	"slices"
	"strings"

	"github.com/sqlpool/go/internal/sqltext"
)

// readOnlyError is a standby's refusal of a write.
type readOnlyError struct{ command string }

// SQLState returns 25006, read_only_sql_transaction, as both drivers' errors
// tell it.
func (*readOnlyError) SQLState() string { return "25006" }

// Error is the server's text.
func (e *readOnlyError) Error() string {
	return "cannot execute " + e.command + " in a read-only transaction (SQLSTATE 25006)"
}

// reads are the commands that a standby takes (PostgreSQL's manual, 27.4.1).
var reads = []string{
	"SELECT", "VALUES", "TABLE", "WITH", "SHOW", "SET", "RESET", "EXPLAIN", "DECLARE", "FETCH", "MOVE", "CLOSE",
	"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE", "EXECUTE",
	"DEALLOCATE", "DISCARD", "LOAD", "CHECKPOINT",
}

// refusal returns what a standby says to a statement, or nil if it takes it.
func refusal(query string) error {
	var before, first string
	for w := range sqltext.Words(query) {
		w = strings.ToUpper(w)
		switch {
		case first == "":
			first = w
			if !slices.Contains(reads, first) {
				return &readOnlyError{first}
			}
		case first == "WITH" && slices.Contains([]string{"INSERT", "UPDATE", "DELETE", "MERGE"}, w) && before != "FOR":
			return &readOnlyError{w}
		case before == "FOR" && slices.Contains([]string{"UPDATE", "SHARE", "NO", "KEY"}, w):
			return &readOnlyError{"SELECT FOR " + w}
		}
		before = w
	}
	return nil
}

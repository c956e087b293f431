package fakedb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
)

// Error is an error that the server replies.
type Error struct {
	Code string // SQLSTATE
	Msg  string
}

// Error names the text and the SQLSTATE.
func (e *Error) Error() string { return "fakedb: " + e.Msg + " (SQLSTATE " + e.Code + ")" }

// SQLState returns the code, like the error types of pgx and lib/pq.
func (e *Error) SQLState() string { return e.Code }

var (
	errTxFailed = &Error{"25P02", "current transaction is aborted"}
	errInTx     = &Error{"25001", "there is already a transaction in progress"}
	errNoStmt   = &Error{"26000", "prepared statement does not exist"}
	errStale    = &Error{"0A000", "cached plan must not change result type"}
)

// exec is what a statement does to the session and the server.
func (c *Conn) exec(ctx context.Context, text string, args []driver.NamedValue) error {
	word, rest, _ := strings.Cut(text, " ")
	word = strings.ToUpper(word)
	switch word {
	case "COMMIT", "END":
		c.end(c.status.Load() == 'T') // of a failed transaction it rolls back, and says nothing
		return nil
	case "ROLLBACK", "ABORT":
		c.end(false)
		return nil
	}
	if c.status.Load() == 'E' {
		return errTxFailed
	}
	switch word {
	case "BEGIN", "START":
		c.status.Store('T')
	case "SET":
		name, value, _ := strings.Cut(rest, "=")
		c.mu.Lock()
		c.vars[strings.TrimSpace(name)] = strings.TrimSpace(value)
		c.mu.Unlock()
	case "RESET", "DISCARD", "DEALLOCATE":
		if word != "DEALLOCATE" {
			c.mu.Lock()
			clear(c.vars)
			c.mu.Unlock()
		}
		if word != "RESET" {
			c.dropped.Add(1)
		}
	case "INSERT":
		if c.db.standing.primary != nil {
			return errReadOnly
		}
		c.insert(rest, args)
	case "ALTER":
		c.db.schema.Add(1)
	case "FAIL":
		return &Error{Code: strings.TrimSpace(rest), Msg: "as asked"}
	case "SLEEP":
		d, err := time.ParseDuration(strings.TrimSpace(rest))
		if err != nil {
			return &Error{"42601", err.Error()}
		}
		if err := sleep(ctx, ctx.Done(), c.cut, d); err != nil {
			return c.lost(err)
		}
	}
	return nil
}

func (c *Conn) insert(rest string, args []driver.NamedValue) {
	tokens := []string{rest}
	if len(args) > 0 {
		tokens = tokens[:0]
		for _, a := range args {
			tokens = append(tokens, fmt.Sprint(a.Value))
		}
	}
	if c.status.Load() == 'I' {
		c.db.write(tokens...)
		return
	}
	c.mu.Lock()
	c.pending = append(c.pending, tokens...)
	c.mu.Unlock()
}

func (c *Conn) begin() error {
	if c.status.Load() != 'I' {
		return errInTx
	}
	c.status.Store('T')
	return nil
}

// end ends the transaction, if there is one.
func (c *Conn) end(commit bool) {
	c.mu.Lock()
	tokens := c.pending
	c.pending = nil
	c.mu.Unlock()
	c.status.Store('I')
	if commit {
		c.db.write(tokens...)
	}
}

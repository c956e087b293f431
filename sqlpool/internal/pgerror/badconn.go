package pgerror

import (
	"database/sql/driver"
	"errors"
	"strings"
)

// badConnHidden is an error whose chain holds driver.ErrBadConn, cut off so
// that database/sql does not take it for a request to run the statement again.
type badConnHidden struct{ text string }

// Error is the text of the error that is hidden.
func (e *badConnHidden) Error() string { return e.text }

// HideBadConn returns err, or a copy of its text when it unwraps to
// driver.ErrBadConn.
func HideBadConn(err error) error {
	if err == nil || !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return &badConnHidden{strings.TrimPrefix(err.Error(), "driver: ")}
}

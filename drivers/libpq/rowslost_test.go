package libpq

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"
)

func TestRowsThatAreCutDoNotLookLikeTheirEnd(t *testing.T) {
	for _, tt := range []struct{ cause, want error }{
		{nil, io.ErrUnexpectedEOF},
		{driver.ErrBadConn, io.ErrUnexpectedEOF},
		{io.EOF, io.ErrUnexpectedEOF},
		{fmt.Errorf("read: %w", io.EOF), io.ErrUnexpectedEOF},
		{syscall.ECONNRESET, syscall.ECONNRESET},
	} {
		err := rowsLost(tt.cause)
		if !errors.Is(err, tt.want) || errors.Is(err, io.EOF) || errors.Is(err, driver.ErrBadConn) {
			t.Errorf("%v: %v", tt.cause, err)
		}
	}
}

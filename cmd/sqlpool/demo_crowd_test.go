package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/sqlpool/go/sqlpool"
)

// The crowd tells connections that broke from errors that no outage explains.
func TestTheCrowdSortsItsErrors(t *testing.T) {
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	for _, tt := range []struct {
		err                             error
		answered, lost, refused, errors int64
	}{
		{nil, 1, 0, 0, 0},
		{&sqlpool.ConnLostError{Err: io.EOF}, 0, 1, 0, 0},
		{fmt.Errorf("reading rows: %w", io.ErrUnexpectedEOF), 0, 1, 0, 0},
		{reset, 0, 1, 0, 0},
		{fmt.Errorf("no: %w", sqlpool.ErrUnavailable), 0, 0, 1, 0},
		{errors.New("relation does not exist"), 0, 0, 0, 1},
	} {
		var c crowd
		c.note(t.Context(), tt.err)
		if c.answered.Load() != tt.answered || c.lost.Load() != tt.lost || c.refused.Load() != tt.refused || c.errors.Load() != tt.errors {
			t.Errorf("%v: answered %d, lost %d, refused %d, others %d", tt.err, c.answered.Load(), c.lost.Load(), c.refused.Load(), c.errors.Load())
		}
	}
}

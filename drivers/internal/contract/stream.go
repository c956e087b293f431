package contract

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"time"
)

// A stream is a result that is far larger than all buffers on its way, of which
// one row was read.
type stream struct {
	rows   driver.Rows
	cancel context.CancelFunc
}

const endless = "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"

func (s *suite) openStream(t *testing.T, prepared bool) *stream {
	t.Helper()
	c := s.connect(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var rows driver.Rows
	var err error
	if prepared {
		var stmt driver.Stmt
		if stmt, err = c.PrepareContext(ctx, endless); err == nil {
			rows, err = stmt.(driver.StmtQueryContext).QueryContext(ctx, nil)
		}
	} else {
		rows, err = c.QueryContext(ctx, endless, nil)
	}
	if err == nil {
		err = rows.Next(make([]driver.Value, 1))
	}
	if err != nil {
		t.Fatal(err)
	}
	return &stream{rows: rows, cancel: cancel}
}

// cancelAndRead reads on, after the context's end, on a server that stands still.
func (st *stream) cancelAndRead(t *testing.T) {
	t.Helper()
	start := time.Now()
	st.cancel()
	result := make(chan error, 1)
	go func() {
		var err error
		for dest := make([]driver.Value, 1); err == nil; {
			err = st.rows.Next(dest)
		}
		st.rows.Close()
		result <- err
	}()
	select {
	case err := <-result:
		took := time.Since(start)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want the context's error", err)
		}
		if took > slack {
			t.Errorf("reading ended %v after its context", took)
		}
		t.Logf("reading ended %v after its context: %v", took, err)
	case <-time.After(patience):
		t.Fatal("reading a result does not end with its context")
	}
}

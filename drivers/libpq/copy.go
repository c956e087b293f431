package libpq

import (
	"context"
	"database/sql/driver"

	"github.com/lib/pq"
)

// pqCopyIn is what lib/pq returns for COPY … FROM STDIN.
type pqCopyIn interface {
	driver.Stmt
	CopyData(ctx context.Context, line string) (driver.Result, error)
}

var (
	_ pqCopyIn               = (*copyIn)(nil)
	_ driver.StmtExecContext = (*copyIn)(nil)
)

// copyIn is a COPY … FROM STDIN that is open. lib/pq reads the server's answers
// on a goroutine of its own until it is closed.
type copyIn struct {
	conn  *conn
	inner pqCopyIn
}

// NumInput implements driver.Stmt: any number of columns.
func (s *copyIn) NumInput() int { return s.inner.NumInput() }

// ExecContext implements driver.StmtExecContext: it sends a row or, without
// arguments, ends the COPY and waits for the server. lib/pq's own Exec knows no
// context.
func (s *copyIn) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.begin(ctx, false); err != nil {
		return nil, err
	}
	values := make([]driver.Value, len(args))
	for i, arg := range args {
		values[i] = arg.Value
	}
	stop := s.conn.guard.watch(ctx)
	defer stop()
	res, err := s.inner.Exec(values)
	if len(args) == 0 {
		s.closed()
	}
	return res, s.conn.end(err)
}

// CopyData sends text in COPY's format, as lib/pq's method of that name: reach
// it through sql.Conn.Raw.
func (s *copyIn) CopyData(ctx context.Context, line string) (driver.Result, error) {
	if err := s.conn.begin(ctx, false); err != nil {
		return nil, err
	}
	res, err := s.inner.CopyData(ctx, line)
	return res, s.conn.end(err)
}

// Exec implements driver.Stmt.
func (s *copyIn) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query implements driver.Stmt.
func (s *copyIn) Query([]driver.Value) (driver.Rows, error) { return nil, pq.ErrNotSupported }

// Close implements driver.Stmt. It ends the COPY if that is still open, as far
// as a connection that may have failed allows.
func (s *copyIn) Close() error {
	defer s.closed()
	if s.conn.copying == s {
		if err := s.conn.begin(context.Background(), false); err != nil {
			return err
		}
	}
	return s.conn.end(s.inner.Close())
}

func (s *copyIn) closed() {
	if s.conn.copying == s {
		s.conn.copying = nil
	}
}

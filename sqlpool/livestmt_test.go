package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestALastTryWaitsInsteadOfErrBadConn(t *testing.T) {
	// Called from outside DB.retry, a session cannot know that there is
	// another try.
	synctest.Test(t, func(t *testing.T) {
		p, err := New(Config{Connector: idleConnector{}, MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		loan, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := &session{pool: p, live: 1}
		done := make(chan error, 1)
		go func() { done <- s.ResetSession(context.Background()) }()
		time.Sleep(2 * stallLimit)
		synctest.Wait()
		if len(done) > 0 || p.Stats().Waiting != 1 {
			t.Fatalf("after its patience it does not wait: %+v", p.Stats())
		}
		loan.Release()
		if err := <-done; err != nil || s.conn == nil {
			t.Fatalf("got %v, connection %v", err, s.conn)
		}
		s.endLoan()
	})
}

func TestAStatementIsLiveUntilTheHandBackAfterItsClose(t *testing.T) {
	// Database/sql takes the driverConn's lock once more after the Close.
	p, err := New(Config{Connector: idleConnector{}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s := &session{pool: p, live: 1}
	st := &stmt{session: s}
	_ = st.Close()
	_ = st.Close()
	if s.live != 1 {
		t.Errorf("%d live after the Close", s.live)
	}
	if s.IsValid(); s.live != 0 {
		t.Errorf("%d live after the hand-back", s.live)
	}
}

// idleConnector opens connections that can do nothing.
type idleConnector struct{}

func (idleConnector) Connect(context.Context) (driver.Conn, error) { return idleConn{}, nil }
func (idleConnector) Driver() driver.Driver                        { return nil }

type idleConn struct{}

func (idleConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (idleConn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }
func (idleConn) Close() error                        { return nil }

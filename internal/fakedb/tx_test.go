package fakedb_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

func state(t *testing.T, err error, want string) {
	t.Helper()
	var e *fakedb.Error
	if !errors.As(err, &e) || e.SQLState() != want {
		t.Errorf("error = %v, want SQLSTATE %s", err, want)
	}
}

func status(t *testing.T, c *fakedb.Conn, want byte) {
	t.Helper()
	if got := c.TxStatus(); got != want {
		t.Errorf("TxStatus = %c, want %c", got, want)
	}
}

func TestTransactionByText(t *testing.T) {
	db := fakedb.New()
	c, ctx := connect(t, db), t.Context()
	status(t, c, 'I')
	is(t, exec(ctx, c, "begin"), nil)
	status(t, c, 'T')
	is(t, exec(ctx, c, "INSERT a"), nil)
	if db.Written("a") != 0 {
		t.Error("written before the commit")
	}
	is(t, exec(ctx, c, "COMMIT"), nil)
	status(t, c, 'I')
	if db.Written("a") != 1 {
		t.Error("not written by the commit")
	}
	is(t, exec(ctx, c, "BEGIN"), nil)
	is(t, exec(ctx, c, "INSERT b"), nil)
	state(t, exec(ctx, c, "FAIL 23505"), "23505")
	status(t, c, 'E')
	state(t, exec(ctx, c, "INSERT b"), "25P02")
	is(t, exec(ctx, c, "COMMIT"), nil) // rolls back
	status(t, c, 'I')
	if db.Written("b") != 0 {
		t.Error("a failed transaction has written")
	}
}

func TestTransactionByInterface(t *testing.T) {
	db := fakedb.New()
	c, ctx := connect(t, db), t.Context()
	begin := func() driver.Tx {
		tx, err := c.BeginTx(ctx, driver.TxOptions{})
		is(t, err, nil)
		status(t, c, 'T')
		return tx
	}
	tx := begin()
	_, err := c.BeginTx(ctx, driver.TxOptions{})
	state(t, err, "25001")
	is(t, exec(ctx, c, "INSERT a"), nil)
	is(t, tx.Rollback(), nil)
	status(t, c, 'I')
	tx = begin()
	is(t, exec(ctx, c, "INSERT a"), nil)
	is(t, tx.Commit(), nil)
	if db.Written("a") != 1 {
		t.Errorf("written %d times", db.Written("a"))
	}
	tx = begin()
	exec(ctx, c, "FAIL 1")
	state(t, tx.Commit(), "25P02")
	status(t, c, 'I')

	db.On(fakedb.Rollback, fakedb.Fault{Err: errRefused})
	tx = begin()
	is(t, tx.Rollback(), errRefused)
	status(t, c, 'T') // it was not ended
}

func TestBeginContextRulesTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		c := connect(t, db)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		tx, err := c.BeginTx(ctx, driver.TxOptions{})
		is(t, err, nil)
		db.On(fakedb.Rollback, fakedb.Fault{Delay: time.Minute})
		is(t, tx.Rollback(), context.DeadlineExceeded)
		status(t, c, 'T')
	})
}

func TestEndingATransactionWhoseContextIsDone(t *testing.T) {
	db := fakedb.New()
	c := connect(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := c.BeginTx(ctx, driver.TxOptions{})
	is(t, err, nil)
	cancel()
	is(t, exec(ctx, c, ""), context.Canceled) // checked before the call, nothing sent
	is(t, tx.Rollback(), nil)
	status(t, c, 'I')
}

func TestCommitThatFails(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want byte
	}{
		{&fakedb.Error{Code: "40001", Msg: "could not serialize"}, 'I'}, // the server's word: it is over
		{io.EOF, 'T'}, // unknown
	} {
		db := fakedb.New()
		c := connect(t, db)
		tx, err := c.BeginTx(t.Context(), driver.TxOptions{})
		is(t, err, nil)
		is(t, exec(t.Context(), c, "INSERT x"), nil)
		db.On(fakedb.Commit, fakedb.Fault{Err: tt.err})
		is(t, tx.Commit(), tt.err)
		status(t, c, tt.want)
		is(t, exec(t.Context(), c, "COMMIT"), nil)
		if wrote := db.Written("x") == 1; wrote != (tt.want == 'T') {
			t.Errorf("after %v: ledger %v", tt.err, db.Ledger())
		}
	}
}

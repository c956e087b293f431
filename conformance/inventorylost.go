package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"

	"github.com/sqlpool/go/sqlpool"
)

// lossRules: a statement whose connection breaks.
var lossRules = []Rule{
	{
		ID:     "INV-08",
		Rule:   "a statement whose answer was lost is not executed again: one row and one error",
		Why:    "a payment is made twice and nobody is told",
		Source: "database/sql/driver: ErrBadConn, at most once",
		needs:  []Need{NeedProbe, NeedLedger},
		check: func(x *trial) {
			for name, lost := range map[string]error{"driver.ErrBadConn": driver.ErrBadConn, "io.ErrUnexpectedEOF": io.ErrUnexpectedEOF} {
				token, err := x.insertLosing(name, lost, true)
				if n := token(); n != 1 || err == nil || errors.Is(err, driver.ErrBadConn) {
					x.errorf("the driver says %s after the row was written: it is there %d times, and the caller is told: %v", name, n, err)
				}
			}
		},
	},
	{
		ID:     "INV-09",
		Rule:   "a statement of which nothing was sent is tried on another connection, and the caller does not notice",
		Why:    "each connection that dies idle would be somebody's error",
		Source: "database/sql/driver: ErrBadConn",
		needs:  []Need{NeedProbe, NeedLedger, NeedSent},
		check: func(x *trial) {
			if token, err := x.insertLosing("before", driver.ErrBadConn, false); err != nil || token() != 1 {
				x.errorf("the row is there %d times, and the caller is told: %v", token(), err)
			}
		},
	},
	{
		ID:     "INV-10",
		Rule:   "the error of a lost connection says whether the statement may have taken effect",
		Why:    "the caller can retry safely, or must look first: it is the only one who knows the statement",
		Source: "this pool: ConnLostError.SafeToRetry",
		needs:  []Need{NeedPool, NeedProbe, NeedLedger, NeedSent},
		check: func(x *trial) {
			_, err := x.insertLosing("after", driver.ErrBadConn, true)
			var lost *sqlpool.ConnLostError
			if !errors.As(err, &lost) || !errors.Is(err, sqlpool.ErrConnLost) || lost.SafeToRetry() {
				x.errorf("after the statement was sent the error is %v", err)
			}
			err = x.inTxLosing(driver.ErrBadConn)
			if !errors.As(err, &lost) || !lost.SafeToRetry() {
				x.errorf("before the statement was sent, in a transaction, the error is %v", err)
			}
		},
	},
}

// insertLosing writes a row on a connection that breaks, before the statement
// is sent or after it took effect. It returns how to count the row.
func (x *trial) insertLosing(word string, how error, after bool) (written func() int, err error) {
	p, l := x.probe(), x.ledger()
	token := l.tokenOf(strings.ReplaceAll(word, ".", "_"))
	s := x.open(Settings{MaxConns: 2})
	x.use("a first statement", s.DB)
	broken := 0 // the connection; 0 before
	fails := func(c Call) bool {
		first := c.Op == OpExec || c.Op == OpPrepare && !after // some drivers prepare first
		if first && c.Text == l.insert && broken == 0 {
			broken = c.Conn
			return true
		}
		return false
	}
	if after {
		p.afterwards(func(_ context.Context, c Call, err error) error {
			if err == nil && fails(c) {
				return how
			}
			return err
		})
	} else {
		p.intercept(func(_ context.Context, c Call) error {
			if fails(c) {
				return how
			}
			return nil
		})
	}
	_, err = s.DB.ExecContext(x.ctx, l.insert, token)
	return func() int { return l.written(token) }, err
}

// inTxLosing is the error of a statement in a transaction whose connection
// breaks before it is sent.
func (x *trial) inTxLosing(how error) error {
	p := x.probe()
	s := x.open(Settings{MaxConns: 1})
	tx, err := s.DB.BeginTx(x.ctx, nil)
	x.must("Begin", err)
	defer tx.Rollback()
	x.use("a first statement", tx)
	p.afterwards(nil)
	p.failing(OpExec, func(int) error { return how })
	_, err = tx.ExecContext(x.ctx, x.target.Dialect.One)
	return err
}

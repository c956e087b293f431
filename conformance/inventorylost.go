package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/sqlpool/go/sqlpool"
)

// lossRules: a statement whose connection breaks.
var lossRules = []Rule{
	{
		ID:     "INV-08",
		Rule:   "a statement whose answer was lost is not executed again: one row and one error",
		Why:    "a payment is made twice without an error",
		Source: "database/sql/driver: ErrBadConn, at most once",
		needs:  []Need{NeedProbe, NeedLedger},
		check: func(x *trial) {
			p, l := x.probe(), x.ledger()
			db := x.open(Settings{MaxConns: 2}).DB
			n := 0
			for what, lost := range losses() {
				for _, how := range l.writings() {
					for _, at := range []string{OpExec, OpQuery, OpNext} {
						if (at == OpExec) == strings.Contains(how, "Query") {
							continue
						}
						for on, write := range x.writers(l, how) {
							n++
							token := l.token(n)
							p.loseReply(at, lost)
							err := write(db, token)
							p.afterwards(nil)
							got := l.written(token)
							if got > 1 || got < 1 && on != "Tx" {
								x.errorf("the driver says %s at %s, after the row was written by %s of a %s: it is there %d times", what, at, how, on, got)
							}
							// What comes of an error among the rows is told by another rule.
							if at != OpNext && (err == nil || errors.Is(err, driver.ErrBadConn)) {
								x.errorf("the driver says %s at %s, after the row was written by %s of a %s: the caller is told %v", what, at, how, on, err)
							}
						}
					}
				}
			}
		},
	},
	{
		ID:     "INV-09",
		Rule:   "a statement of which nothing was sent is tried on another connection, and the caller does not notice",
		Why:    "each connection that dies idle would cost a caller an error",
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

// losses are what drivers say of a connection that has gone.
func losses() map[string]error {
	return map[string]error{
		"driver.ErrBadConn":          driver.ErrBadConn,
		"a wrapped ErrBadConn":       fmt.Errorf("conformance: %w", driver.ErrBadConn),
		"io.ErrUnexpectedEOF":        io.ErrUnexpectedEOF,
		"connection reset (net)":     &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET},
		"broken pipe (bare)":         syscall.EPIPE,
		"the server's 57P01":         stateError("57P01"),
		"the server's 08006":         stateError("08006"),
		"an error of no known class": errors.New("conformance: of the driver"),
	}
}

// writers write a row on what package sql has.
func (x *trial) writers(l ledger, how string) map[string]func(*sql.DB, string) error {
	return map[string]func(*sql.DB, string) error{
		"DB": func(db *sql.DB, token string) error { return l.write(x.ctx, db, how, token) },
		"Conn": func(db *sql.DB, token string) error {
			conn, err := db.Conn(x.ctx)
			x.must("Conn", err)
			defer conn.Close()
			return l.write(x.ctx, conn, how, token)
		},
		"Tx": func(db *sql.DB, token string) error {
			tx, err := db.BeginTx(x.ctx, nil)
			x.must("Begin", err)
			defer tx.Rollback()
			return l.write(x.ctx, tx, how, token)
		},
	}
}

// loseReply has the first call of an operation fail when the driver has done it.
func (p *Probe) loseReply(op string, how error) {
	var once atomic.Bool
	p.afterwards(func(_ context.Context, c Call, err error) error {
		if c.Op == op && err == nil && once.CompareAndSwap(false, true) {
			return how
		}
		return err
	})
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

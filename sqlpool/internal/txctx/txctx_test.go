package txctx_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/txctx"
)

type key struct{}

var errOver = errors.New("the request is over")

// A statement's context ends with its own or with its transaction's, whichever is
// first, and with the error of that one.
func TestABoundContextEndsWithEither(t *testing.T) {
	never := func(ctx context.Context) (context.Context, func()) { return ctx, func() {} }
	cancelled := func(ctx context.Context) (context.Context, func()) {
		c, cancel := context.WithCancelCause(ctx)
		return c, func() { cancel(errOver) }
	}
	late := func(ctx context.Context) (context.Context, func()) {
		c, cancel := context.WithTimeout(ctx, time.Minute)
		return c, cancel
	}
	past := func(ctx context.Context) (context.Context, func()) {
		c, cancel := context.WithTimeout(ctx, time.Second)
		return c, func() { time.Sleep(2 * time.Second); cancel() }
	}
	for name, row := range map[string]struct {
		statement, tx func(context.Context) (context.Context, func())
		ends          string // which of them ends
		want, cause   error
	}{
		"neither ends":                                  {late, late, "", nil, nil},
		"the transaction, cancelled":                    {late, cancelled, "tx", context.Canceled, errOver},
		"the transaction, out of time":                  {cancelled, past, "tx", context.DeadlineExceeded, context.DeadlineExceeded},
		"the transaction, and the statement has no end": {never, cancelled, "tx", context.Canceled, nil},
		"the statement, cancelled":                      {cancelled, late, "statement", context.Canceled, errOver},
		"the statement, out of time":                    {past, cancelled, "statement", context.DeadlineExceeded, context.DeadlineExceeded},
		"the statement, and the transaction has no end": {cancelled, never, "statement", context.Canceled, errOver},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				statement, endStatement := row.statement(context.WithValue(t.Context(), key{}, "the statement's"))
				tx, endTx := row.tx(context.Background())
				if name == "the transaction, and the statement has no end" {
					statement, _ = never(context.WithValue(context.Background(), key{}, "the statement's"))
				}
				bound, unbind := txctx.Bind(statement, tx)
				if bound.Err() != nil || bound.Value(key{}) != "the statement's" {
					t.Errorf("at first: %v, value %v", bound.Err(), bound.Value(key{}))
				}
				switch row.ends {
				case "tx":
					endTx()
				case "statement":
					endStatement()
				}
				synctest.Wait()
				if bound.Err() != row.want {
					t.Errorf("ended with %v, want %v", bound.Err(), row.want)
				}
				if row.cause != nil && context.Cause(bound) != row.cause {
					t.Errorf("because of %v, want %v", context.Cause(bound), row.cause)
				}
				if row.want != nil {
					<-bound.Done()
				}
				if unbind != nil {
					unbind()
					if bound.Err() == nil {
						t.Error("it goes on when it is unbound")
					}
				}
				endStatement()
				endTx()
			})
		})
	}
}

func TestADetachedContextHasItsCallersError(t *testing.T) {
	caller, endCaller := context.WithTimeout(context.Background(), 0)
	defer endCaller()
	inner, end := context.WithCancel(context.WithoutCancel(caller))
	d := &txctx.Detached{Context: inner, Caller: caller}
	if err := d.Err(); err != nil {
		t.Errorf("it ended with its caller: %v", err)
	}
	if end(); d.Err() != context.DeadlineExceeded {
		t.Errorf("it ended with %v, want its caller's error", d.Err())
	}
	fresh, end := context.WithCancel(context.Background())
	d = &txctx.Detached{Context: fresh, Caller: context.Background()}
	if end(); d.Err() != context.Canceled {
		t.Errorf("it ended with %v, want its own error", d.Err())
	}
}

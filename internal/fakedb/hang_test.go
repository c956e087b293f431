package fakedb_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

func TestDelaysAddUpAndHeedTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		c := connect(t, db)
		db.On(fakedb.Exec, fakedb.Fault{Delay: time.Second})
		db.On(fakedb.Exec, fakedb.Fault{Delay: 2 * time.Second, Err: io.EOF, Times: 1})
		start := time.Now()
		is(t, exec(t.Context(), c, ""), io.EOF)
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("took %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		start = time.Now()
		is(t, exec(ctx, c, ""), context.DeadlineExceeded)
		if d := time.Since(start); d != time.Millisecond {
			t.Errorf("took %v", d)
		}
		db.Clear()
		db.On(fakedb.Ping, fakedb.Fault{Delay: time.Minute, Deaf: true})
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		is(t, c.Ping(ctx), nil)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("took %v", d)
		}
	})
}

func TestOneDeafDelayMakesTheSumDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		c := connect(t, db)
		db.On(fakedb.Ping, fakedb.Fault{Delay: time.Minute, Deaf: true})
		db.On(fakedb.Ping, fakedb.Fault{Delay: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		is(t, c.Ping(ctx), nil)
		if d := time.Since(start); d != 2*time.Minute {
			t.Errorf("took %v", d)
		}
	})
}

func TestWhatEndsAHang(t *testing.T) {
	type end func(cancel func(), r *fakedb.Rule, c *fakedb.Conn)
	cancelled := end(func(cancel func(), _ *fakedb.Rule, _ *fakedb.Conn) { cancel() })
	aborted := end(func(_ func(), _ *fakedb.Rule, c *fakedb.Conn) { c.Abort() })
	killed := end(func(_ func(), _ *fakedb.Rule, c *fakedb.Conn) { c.Kill(fakedb.Death{}) })
	released := end(func(_ func(), r *fakedb.Rule, _ *fakedb.Conn) { r.Release() })
	hangs := errors.New("goes on hanging")
	for _, tt := range []struct {
		name string
		hang fakedb.Hang
		end  end
		want error
	}{
		{"done: cancel", fakedb.UntilDone, cancelled, context.Canceled},
		{"done: abort", fakedb.UntilDone, aborted, fakedb.ErrAborted},
		{"done: kill", fakedb.UntilDone, killed, io.ErrUnexpectedEOF},
		{"done: release", fakedb.UntilDone, released, errRefused},
		{"abort: cancel", fakedb.UntilAbort, cancelled, hangs},
		{"abort: abort", fakedb.UntilAbort, aborted, fakedb.ErrAborted},
		{"abort: kill", fakedb.UntilAbort, killed, io.ErrUnexpectedEOF},
		{"abort: release", fakedb.UntilAbort, released, errRefused},
		{"released: cancel", fakedb.UntilReleased, cancelled, hangs},
		{"released: abort", fakedb.UntilReleased, aborted, hangs},
		{"released: kill", fakedb.UntilReleased, killed, hangs},
		{"released: release", fakedb.UntilReleased, released, errRefused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := fakedb.New()
				c := connect(t, db)
				rule := db.On(fakedb.Exec, fakedb.Fault{Hang: tt.hang, Err: errRefused})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				got := make(chan error, 1)
				go func() { got <- exec(ctx, c, "") }()
				synctest.Wait()
				if rule.Waiting() != 1 {
					t.Fatalf("Waiting = %d", rule.Waiting())
				}
				tt.end(cancel, rule, c)
				select {
				case err := <-got:
					is(t, err, tt.want)
				case <-time.After(time.Hour):
					is(t, hangs, tt.want)
					rule.Release()
					<-got
				}
			})
		})
	}
}

func TestSleepHeedsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, fakedb.New())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		is(t, exec(ctx, c, "SLEEP 1h"), context.DeadlineExceeded)
		is(t, exec(t.Context(), c, "SLEEP 1h"), nil)
	})
}

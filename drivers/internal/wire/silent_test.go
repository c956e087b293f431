package wire

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestASilentHostIsLastForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Silent
		hosts := []string{"a", "b", "c"}
		s.Note("a")
		if got := Last(hosts, s.Has); !slices.Equal(got, []string{"b", "c", "a"}) {
			t.Errorf("%q", got)
		}
		s.Note("b")
		s.Note("c")
		if got := Last(hosts, s.Has); !slices.Equal(got, hosts) {
			t.Errorf("all silent: %q", got)
		}
		time.Sleep(SilentFor)
		if s.Has("a") || s.Has("c") {
			t.Error("a host is silent for ever")
		}
	})
}

func TestWhichDialsAreSilent(t *testing.T) {
	for _, c := range []struct {
		err       error
		cancelled bool
		after     time.Duration
		want      bool
	}{
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, false, time.Second, true},
		{context.DeadlineExceeded, false, time.Second, true},
		{context.DeadlineExceeded, false, leastWait / 2, false},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, false, time.Second, false},
		{os.ErrDeadlineExceeded, true, time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.cancelled {
				cancel()
			}
			told := false
			d := NewDialer(func(context.Context, string, string) (net.Conn, error) {
				time.Sleep(c.after)
				return nil, c.err
			})
			d.OnSilent = func(address string) { told = address == "h:1" }
			_, _ = d.DialContext(ctx, "tcp", "h:1")
			if told != c.want {
				t.Errorf("%v after %v, cancelled %v: silent %v", c.err, c.after, c.cancelled, told)
			}
		})
	}
}

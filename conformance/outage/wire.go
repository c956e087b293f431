//go:build unix

package outage

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/conformance/outage/tap"
	"github.com/sqlpool/go/internal/relay"
)

// The faults of the network.

func throughNetwork(_ context.Context, s *Scene) error {
	n, err := relay.Listen(s.behind(), nil)
	if err != nil {
		return err
	}
	s.Net = n
	s.atEnd(n.Close)
	s.through(n.Port())
	return nil
}

func throughTap(_ context.Context, s *Scene) error {
	t, err := tap.Listen(s.behind())
	if err != nil {
		return err
	}
	s.Tap = t
	s.atEnd(t.Close)
	s.through(t.Port())
	return nil
}

func refuse(ctx context.Context, s *Scene) error {
	s.Net.Cut()
	if err := lasts(ctx, 500*time.Millisecond); err != nil {
		return err
	}
	return s.Net.Mend()
}

func silence(ctx context.Context, s *Scene) error {
	s.Net.Silence()
	defer s.Net.Lighten()
	return lasts(ctx, 3*time.Second)
}

func drip(ctx context.Context, s *Scene) error {
	s.Net.Drip(true)
	defer s.Net.Drip(false)
	return lasts(ctx, 3*time.Second)
}

func stopListening(_ context.Context, s *Scene) error {
	s.Net.Shut()
	return nil
}

// resetAll waits for statements to be on their way: a plan sees each.
func resetAll(ctx context.Context, s *Scene) error {
	seen := make(chan struct{}, 1)
	s.Tap.SetPlan(func(string) tap.Fault {
		select {
		case seen <- struct{}{}:
		default:
		}
		return tap.Forward
	})
	defer s.Tap.SetPlan(nil)
	select {
	case <-seen:
		s.Tap.Reset()
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func blackHole(_ context.Context, s *Scene) error {
	s.Tap.Darken()
	return nil
}

// loseReplies has 100 replies lost, one after the other, and returns when the
// last is.
func loseReplies(ctx context.Context, s *Scene) error {
	var left atomic.Int64
	left.Store(100)
	done := make(chan struct{})
	s.Tap.SetPlan(func(sql string) tap.Fault {
		if !strings.HasPrefix(sql, "INSERT") {
			return tap.Forward
		}
		switch n := left.Add(-1); {
		case n > 0:
			return tap.LoseReply
		case n == 0:
			close(done)
			return tap.LoseReply
		}
		return tap.Forward
	})
	defer s.Tap.SetPlan(nil)
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

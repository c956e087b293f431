//go:build unix

package outage

import (
	"context"
	"errors"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

// The faults of the server itself.

func restart(ctx context.Context, s *Scene) error {
	return s.Server.Restart(ctx, pgserver.Immediate)
}

func killOne(ctx context.Context, s *Scene) error {
	sessions, err := s.Server.Activity(ctx, s.Callers())
	if err != nil {
		return err
	}
	if len(sessions) == 0 {
		return errors.New("outage: no backend to kill")
	}
	if err := s.Server.KillBackend(sessions[0].PID); err != nil {
		return err
	}
	return s.Server.WaitReady(ctx)
}

func killAll(ctx context.Context, s *Scene) error {
	if err := s.Server.KillAllBackends(ctx); err != nil {
		return err
	}
	return s.Server.WaitReady(ctx)
}

func killPostmaster(ctx context.Context, s *Scene) error {
	if err := s.Server.KillPostmaster(); err != nil {
		return err
	}
	return s.Server.Start(ctx)
}

func freeze(ctx context.Context, s *Scene) error {
	if err := s.Server.Pause(); err != nil {
		return err
	}
	return errors.Join(lasts(ctx, 3*time.Second), s.Server.Resume())
}

func downFor(d time.Duration) func(context.Context, *Scene) error {
	return func(ctx context.Context, s *Scene) error {
		if err := s.Server.Stop(ctx, pgserver.Fast); err != nil {
			return err
		}
		if err := lasts(ctx, d); err != nil {
			return err
		}
		return s.Server.Start(ctx)
	}
}

// rotatePassword has the server change it before the callers learn of it, as it
// happens when a store of secrets lags.
func rotatePassword(ctx context.Context, s *Scene) error {
	const next = "the second password"
	if err := s.Server.SetPassword(ctx, next); err != nil {
		return err
	}
	if _, err := s.Server.Terminate(ctx, s.Callers()); err != nil {
		return err
	}
	err := lasts(ctx, 2*time.Second)
	password := next
	s.Password.Store(&password)
	return err
}

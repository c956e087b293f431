//go:build unix

package outage

import (
	"context"

	"github.com/sqlpool/go/conformance/outage/bouncer"
	"github.com/sqlpool/go/internal/pgserver"
)

// The faults in which another server, or another pooler, takes over.

// withStandby adds a standby that has every write before its caller hears of
// it.
func withStandby(ctx context.Context, s *Scene) error {
	standby, err := s.Server.StartStandby(ctx)
	if err != nil {
		return err
	}
	s.Standby = standby
	s.atEnd(standby.Close)
	s.also = []pgserver.Endpoint{standby.TCP()}
	// Set now and not in the primary's file, which the standby has copied: once
	// promoted, it would wait for a standby of its own.
	if err := setAndReload(ctx, s.Server, "synchronous_standby_names = '*'"); err != nil {
		return err
	}
	for {
		rows, err := s.Server.Query(ctx, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
		if err != nil || len(rows) > 0 {
			return err
		}
	}
}

func setAndReload(ctx context.Context, server *pgserver.Server, setting string) error {
	if err := server.Exec(ctx, "ALTER SYSTEM SET "+setting); err != nil {
		return err
	}
	return server.Exec(ctx, "SELECT pg_reload_conf()")
}

func failOver(ctx context.Context, s *Scene) error {
	if err := s.Server.Stop(ctx, pgserver.Immediate); err != nil {
		return err
	}
	return s.Standby.Promote(ctx)
}

func switchOver(ctx context.Context, s *Scene) error {
	if err := setAndReload(ctx, s.Server, "default_transaction_read_only = on"); err != nil {
		return err
	}
	return s.Standby.Promote(ctx)
}

func throughBouncer(ctx context.Context, s *Scene) error {
	b, err := bouncer.Start(ctx, s.endpoint.Port, manyClients)
	if err != nil {
		return err
	}
	s.Bouncer = b
	s.atEnd(b.Close)
	s.through(b.Port())
	return nil
}

func restartBouncer(ctx context.Context, s *Scene) error {
	if err := s.Bouncer.Kill(); err != nil {
		return err
	}
	return s.Bouncer.Up(ctx)
}

//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
)

// StartStandby clones the server and starts the clone as a streaming, readable standby with the same options. The caller
// closes it.
func (s *Server) StartStandby(ctx context.Context) (*Server, error) {
	standby, err := newServer(ctx, s.options)
	if err != nil {
		return nil, err
	}
	if err := standby.follow(ctx, s); err != nil {
		return nil, errors.Join(err, standby.Close())
	}
	return standby, nil
}

func (s *Server) follow(ctx context.Context, primary *Server) error {
	if s.options.TLS {
		if err := writeCertificate(s.dir, s.account); err != nil {
			return err
		}
	}
	conn, err := primary.dial(ctx)
	if err != nil {
		return err
	}
	// The copy has no WAL. The standby streams all of it, from the start of the backup, and is ready when it has read the
	// backup's end; until then the session's temporary slot keeps the primary from removing any.
	defer hangUp(conn)
	_, err = ask(ctx, conn, "SELECT pg_create_physical_replication_slot('clone_' || pg_backend_pid(), true, true)")
	if err != nil {
		return err
	}
	if err := s.backUp(ctx, primary, conn); err != nil {
		return err
	}
	if err := s.configure(ctx); err != nil {
		return err
	}
	s.password = primary.Password()
	return s.bootAnywhere(ctx)
}

// Promote makes a standby the primary of its own timeline and returns when it takes writes.
func (s *Server) Promote(ctx context.Context) error {
	rows, err := s.Query(ctx, "SELECT pg_promote(true, 60)")
	if err != nil {
		return err
	}
	if rows[0][0] != "t" {
		return fmt.Errorf("pgserver: the standby was not promoted within 60 s")
	}
	return nil
}

// WaitStreaming returns when the standby has replayed all that the primary had written at the call.
func (s *Server) WaitStreaming(ctx context.Context, standby *Server) error {
	rows, err := s.Query(ctx, "SELECT pg_current_wal_lsn()")
	if err != nil {
		return err
	}
	conn, err := standby.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(conn)
	// PostgreSQL 15 has no wait for a position, so ask again until it is reached; each answer is a round trip.
	for {
		replayed, err := ask(ctx, conn, "SELECT pg_last_wal_replay_lsn() >= "+quoteText(rows[0][0]))
		if err != nil {
			return err
		}
		if replayed[0][0] == "t" {
			return nil
		}
	}
}

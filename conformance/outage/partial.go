//go:build unix

package outage

import (
	"context"
	"fmt"

	"github.com/sqlpool/go/conformance/outage/bouncer"
)

// Partial failures: new connections are refused while those that are open work.

// manyClients is a limit that no test meets; working is how many connections work
// in a partial failure.
const (
	manyClients = 200
	working     = 5
)

func throughFullBouncer(ctx context.Context, s *Scene) error {
	b, err := bouncer.Start(ctx, s.endpoint.Port, working)
	if err != nil {
		return err
	}
	s.Bouncer = b
	s.atEnd(b.Close)
	s.through(b.Port())
	return nil
}

func asLimitedRole(ctx context.Context, s *Scene) error {
	err := s.Server.Exec(ctx, fmt.Sprintf("CREATE ROLE app LOGIN CONNECTION LIMIT %d; GRANT INSERT ON ledger TO app", working))
	s.endpoint.User = "app"
	return err
}

func forgetPassword(ctx context.Context, s *Scene) error {
	const next = "the second password"
	return s.Server.SetPassword(ctx, next)
}

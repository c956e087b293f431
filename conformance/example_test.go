package conformance_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sqlpool/go/conformance"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// A program that is not a test gets a report, here for a pool with a
// configuration of its own.
func ExampleTarget_Check() {
	connector, err := libpq.Connector("postgres://app@db.example/scratch")
	if err != nil {
		log.Fatal(err)
	}
	target := conformance.Target{
		Name:      "our pool",
		Connector: connector,
		Dialect:   conformance.PostgreSQL,
		Lacks: map[conformance.Need]string{
			conformance.NeedKill: "our user may not end sessions",
		},
		Open: func(s conformance.Settings) (*conformance.Subject, error) {
			adjust := s.Adjust
			s.Adjust = func(cfg *sqlpool.Config) {
				cfg.StatementCacheSize = 32
				if adjust != nil {
					adjust(cfg)
				}
			}
			return conformance.OpenPool(s)
		},
	}
	report, err := target.Check(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report)
}

// server breaks what a database's own SQL cannot.
type server struct{ *pgserver.Server }

func (s server) Kill(ctx context.Context, session string) error {
	return s.Exec(ctx, "SELECT pg_terminate_backend("+session+", 10000)")
}

var _ conformance.Server = server{}

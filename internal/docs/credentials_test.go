package docs

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
)

func TestPoolersCredentials(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	if err := server.Exec(t.Context(), "CREATE ROLE app LOGIN PASSWORD 'fresh'"); err != nil {
		t.Fatal(err)
	}
	at := server.TCP()
	dsn := fmt.Sprintf("host=%s port=%d user=app dbname=postgres sslmode=disable", at.Host, at.Port)
	token := func(context.Context) (string, error) { return "fresh", nil }

	h, err := drivers.Open(drivers.PGX, dsn,
		drivers.Setting("pool_max_conns", 20),
		drivers.PGXOptions(pgxv5.BeforeConnect(func(ctx context.Context, cfg *pgx.ConnConfig) error {
			password, err := token(ctx)
			cfg.Password = password
			return err
		})))
	if err != nil {
		t.Fatal(err)
	}
	defer h.DB.Close()
	if err := h.DB.PingContext(t.Context()); err != nil || h.Pool.Stats().MaxConns != 20 {
		t.Errorf("%+v, %v", h.Pool.Stats(), err)
	}
}

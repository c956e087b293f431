//go:build unix

package pgxv5_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers/byname"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
)

// This test binary links no other driver of the pool.
func TestThisDriverAloneIsOpenedByName(t *testing.T) {
	if names := sql.Drivers(); !slices.Contains(names, "sqlpool-pgx") || slices.Contains(names, "sqlpool-pq") {
		t.Errorf("registered: %q", names)
	}
	dsn := pgserver.DSN(t)
	h, err := byname.Open(byname.PGX, dsn, byname.Setting("pool_max_conns", 3))
	if err != nil {
		t.Fatal(err)
	}
	defer h.DB.Close()
	var n int
	if err := h.DB.QueryRow("SELECT 1").Scan(&n); err != nil || n != 1 || h.Pool.Stats().MaxConns != 3 {
		t.Errorf("%d, %v, %+v", n, err, h.Pool.Stats())
	}
	db, err := sql.Open("sqlpool-pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); err != nil {
		t.Error(err)
	}
	const want = `the program does not link the driver "sqlpool-pq": add import _ "github.com/sqlpool/go/drivers/libpq"`
	if _, err := byname.Open(byname.PQ, dsn); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestOptionsReachTheConnectorOfThisDriver(t *testing.T) {
	sealed := errors.New("the vault is sealed")
	cfg, err := byname.Config(byname.PGX, "host=127.0.0.1 user=u sslmode=disable", pgxv5.Options(pgxv5.BeforeConnect(func(context.Context, *pgx.ConnConfig) error { return sealed })))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Connector.Connect(context.Background()); !errors.Is(err, sealed) {
		t.Errorf("got %v", err)
	}
}

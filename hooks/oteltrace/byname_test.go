package oteltrace_test

import (
	"database/sql"
	"testing"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/oteltrace"
	"github.com/sqlpool/go/internal/pgserver"
	"go.opentelemetry.io/otel"
)

// A database that is opened by name is traced with one call more.
func TestADatabaseThatWasOpenedByName(t *testing.T) {
	provider, r := recorder()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(provider)
	defer otel.SetTracerProvider(before)
	open := func(dsn string) (*sql.DB, error) {
		db, err := sql.Open("sqlpool-pgx", dsn)
		if err != nil {
			return nil, err
		}
		if err := drivers.AddHooks(db, oteltrace.Hooks(otel.GetTracerProvider())); err != nil { // before the first use
			return nil, err
		}
		return db, nil
	}
	db, err := open(pgserver.DSN(t))
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "SELECT $1::int", 7)
	must(t, err)
	if spans := take(r); len(spans) != 1 || spans[0].Name() != "SELECT" {
		t.Errorf("%d spans", len(spans))
	}
}

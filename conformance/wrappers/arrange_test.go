package wrappers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/XSAM/otelsql"
	"github.com/luna-duclos/instrumentedsql"
	"github.com/ngrok/sqlmw"
	nhat "go.nhat.io/otelsql"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	ocsql "contrib.go.opencensus.io/integrations/ocsql"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// around returns a pool and, above it, a database that is traced.
func around(dsn string, tracing trace.TracerProvider) (*drivers.Handle, *sql.DB, error) {
	h, err := drivers.Open(drivers.PGX, dsn)
	if err != nil {
		return nil, nil, err
	}
	db := otelsql.OpenDB(h.Pool.Connector(), // in place of h.DB; closing it closes the pool
		otelsql.WithTracerProvider(tracing), otelsql.WithAttributes(attribute.String("db.system.name", "postgresql")))
	return h, db, nil
}

// below returns a database over a pool whose connections are traced.
func below(dsn string, tracing trace.TracerProvider) (*sql.DB, error) {
	cfg, err := drivers.Config(drivers.PGX, dsn)
	if err != nil {
		return nil, err
	}
	wrapped := otelsql.WrapDriver(driverOf{cfg.Connector}, otelsql.WithTracerProvider(tracing))
	if cfg.Connector, err = wrapped.(driver.DriverContext).OpenConnector(dsn); err != nil {
		return nil, err
	}
	pool, err := sqlpool.New(cfg)
	if err != nil {
		return nil, err
	}
	return sqlpool.OpenDB(pool), nil
}

// What the guide shows runs, and makes spans.
func TestTheGuidesArrangements(t *testing.T) {
	dsn := pgserver.Database(t)
	for name, open := range map[string]func(trace.TracerProvider) (*sql.DB, error){
		"around": func(p trace.TracerProvider) (*sql.DB, error) {
			_, db, err := around(dsn, p)
			return db, err
		},
		"below": func(p trace.TracerProvider) (*sql.DB, error) { return below(dsn, p) },
	} {
		t.Run(name, func(t *testing.T) {
			spans := tracetest.NewSpanRecorder()
			db, err := open(sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var n int
			if err := db.QueryRowContext(t.Context(), "SELECT $1::int", 7).Scan(&n); err != nil || n != 7 {
				t.Errorf("%d, %v", n, err)
			}
			isQuery := func(s sdk.ReadOnlySpan) bool { return s.Name() == "sql.conn.query" }
			if got := spans.Ended(); !slices.ContainsFunc(got, isQuery) {
				t.Errorf("no span of the query in %d", len(got))
			}
		})
	}
}

// Below the pool only a wrapper that has Raw is looked through.
func TestWhichWrappersAreLookedThrough(t *testing.T) {
	dsn := pgserver.Database(t)
	wraps := map[string]func(driver.Driver) driver.Driver{
		"XSAM's otelsql":  func(d driver.Driver) driver.Driver { return otelsql.WrapDriver(d) },
		"nhat's otelsql":  func(d driver.Driver) driver.Driver { return nhat.Wrap(d, nhat.TraceQueryWithArgs()) },
		"ocsql":           func(d driver.Driver) driver.Driver { return ocsql.Wrap(d, ocsql.WithAllTraceOptions()) },
		"instrumentedsql": func(d driver.Driver) driver.Driver { return instrumentedsql.WrapDriver(d) },
		"sqlmw":           func(d driver.Driver) driver.Driver { return sqlmw.Driver(d, sqlmw.NullInterceptor{}) },
	}
	guide := guide(t)
	for name, wrap := range wraps {
		for _, under := range []string{drivers.PGX, drivers.PQ} {
			cfg, err := drivers.Config(under, dsn)
			if err != nil {
				t.Fatal(err)
			}
			connector, err := wrap(driverOf{cfg.Connector}).(driver.DriverContext).OpenConnector(dsn)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := connector.Connect(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			_, ok := conn.(interface{ Raw() driver.Conn })
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			if want := name == "XSAM's otelsql"; ok != want {
				t.Errorf("%s on %s has Raw: %v", name, under, ok)
			}
		}
		if !strings.Contains(guide, name) {
			t.Errorf("docs/instrumentation.md does not speak of %s", name)
		}
	}
}

// Every Go block of the guide that is about wrappers stands here word for word.
func TestTheGuideIsThisCode(t *testing.T) {
	source, err := os.ReadFile("arrange_test.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, b := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(guide(t), -1) {
		if strings.Contains(b[1], "otelsql") {
			found++
			if !strings.Contains(string(source), "\n"+b[1]) {
				t.Errorf("docs/instrumentation.md has what is not here:\n%s", b[1])
			}
		}
	}
	if found != 2 {
		t.Errorf("%d blocks about wrappers, want 2", found)
	}
}

func guide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/instrumentation.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

package oteltrace_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/oteltrace"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// recorder returns a provider and what its spans are found in.
func recorder() (*sdk.TracerProvider, *tracetest.SpanRecorder) {
	r := tracetest.NewSpanRecorder()
	return sdk.NewTracerProvider(sdk.WithSpanProcessor(r)), r
}

// take returns the spans that have ended since the last call.
func take(r *tracetest.SpanRecorder) []sdk.ReadOnlySpan {
	spans := r.Ended()
	r.Reset()
	return spans
}

func attributes(s sdk.ReadOnlySpan) map[attribute.Key]string {
	all := make(map[attribute.Key]string)
	for _, a := range s.Attributes() {
		all[a.Key] = a.Value.Emit()
	}
	return all
}

func newDB(t *testing.T, server *fakedb.DB, hooks ...sqlpool.Hooks) *sql.DB {
	t.Helper()
	p, err := sqlpool.New(sqlpool.Config{Connector: server.Connector(), Name: "orders", MaxConns: 1, Hooks: hooks})
	must(t, err)
	db := sqlpool.OpenDB(p)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func names(spans []sdk.ReadOnlySpan) string {
	var list []string
	for _, s := range spans {
		list = append(list, s.Name())
	}
	return strings.Join(list, " ")
}

func TestASpanIsTheCallersChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider, r := recorder()
		db := newDB(t, fakedb.New(), oteltrace.Hooks(provider))
		ctx, parent := provider.Tracer("test").Start(context.Background(), "request")
		tx, err := db.BeginTx(ctx, nil)
		must(t, err)
		_, err = tx.ExecContext(ctx, "INSERT $1", "a")
		must(t, err, tx.Commit(), db.PingContext(ctx))
		spans := take(r)
		if got := names(spans); got != "BEGIN INSERT COMMIT" {
			t.Errorf("the spans are %s", got)
		}
		for _, s := range spans {
			if s.Parent().SpanID() != parent.SpanContext().SpanID() || s.SpanKind() != trace.SpanKindClient {
				t.Errorf("%s: parent %v, kind %v", s.Name(), s.Parent().SpanID(), s.SpanKind())
			}
			if s.InstrumentationScope().SchemaURL != "https://opentelemetry.io/schemas/"+oteltrace.Version {
				t.Errorf("schema %q", s.InstrumentationScope().SchemaURL)
			}
		}
		if a := attributes(spans[1]); a[semconv.DBQueryTextKey] != "INSERT $1" || a[semconv.DBSystemNameKey] != "postgresql" ||
			a[semconv.DBOperationNameKey] != "INSERT" || a[semconv.DBClientConnectionPoolNameKey] != "orders" || a["sqlpool.connection.id"] != "1" {
			t.Errorf("attributes %v", a)
		}
	})
}

func TestTheSpanOfAQueryEndsWithItsRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider, r := recorder()
		server := fakedb.New()
		server.On(fakedb.Query, fakedb.Fault{Delay: time.Second})
		db := newDB(t, server, oteltrace.Hooks(provider))
		rows, err := db.Query("SELECT 3")
		must(t, err)
		time.Sleep(time.Second)
		if n := len(take(r)); n != 0 {
			t.Fatalf("%d spans have ended", n)
		}
		must(t, rows.Close())
		s := take(r)[0]
		if d := s.EndTime().Sub(s.StartTime()); d != 2*time.Second {
			t.Errorf("the span is %v long", d)
		}
		if e := s.Events(); len(e) != 1 || e[0].Name != "answered" || e[0].Attributes[0].Value.AsFloat64() != 1 {
			t.Errorf("events %v", e)
		}
	})
}

func TestWhatIsShownOfATextIsAChoice(t *testing.T) {
	for _, test := range []struct {
		text                         oteltrace.Text
		bare, parameterized, prepare bool
	}{
		{oteltrace.TextParameterized, false, true, true},
		{oteltrace.TextAlways, true, true, true},
		{oteltrace.TextNever, false, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			provider, r := recorder()
			db := newDB(t, fakedb.New(), oteltrace.Options{Text: test.text}.Hooks(provider))
			_, err := db.Exec("INSERT secret")
			must(t, err)
			_, err = db.Exec("INSERT $1", "a")
			must(t, err)
			st, err := db.Prepare("INSERT b")
			must(t, err)
			_, err = st.Exec()
			must(t, err, st.Close())
			spans := take(r)
			if got := names(spans); got != "INSERT INSERT PREPARE INSERT" {
				t.Fatal(got)
			}
			for i, want := range []bool{test.bare, test.parameterized, test.prepare, test.prepare} {
				if _, shown := attributes(spans[i])[semconv.DBQueryTextKey]; shown != want {
					t.Errorf("text %d: statement %d shown: %v", test.text, i, shown)
				}
			}
		})
	}
}

// TestTheNameIsOneOfFewWords: a name for each text would make a series of each.
func TestTheNameIsOneOfFewWords(t *testing.T) {
	provider, r := recorder()
	hook := oteltrace.Hooks(provider).OnStatement
	for text, want := range map[string]string{
		"select 1": "SELECT", "  (SELECT 1)": "SELECT", "with x as (select 1) insert into t select 1": "WITH",
		"/* orders:list */ select 1": "QUERY", "ada's own words": "QUERY", "": "QUERY", "selectsecret": "QUERY",
	} {
		hook(t.Context(), &sqlpool.Executing{Op: sqlpool.OpQuery, Text: text})(sqlpool.Executed{})
		if got := names(take(r)); got != want {
			t.Errorf("%q is called %s, want %s", text, got, want)
		}
	}
}

func TestACommentCarriesTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider, r := recorder()
		server := fakedb.New()
		var texts []string
		server.Script(func(c fakedb.Call) fakedb.Fault {
			if c.Text != "" {
				texts = append(texts, c.Text)
			}
			return fakedb.Fault{}
		})
		db := newDB(t, server, oteltrace.Options{Comment: true}.Hooks(provider))
		_, err := db.Exec("INSERT a")
		must(t, err)
		s := take(r)[0].SpanContext()
		want := "INSERT a /*traceparent='00-" + s.TraceID().String() + "-" + s.SpanID().String() + "-01'*/"
		if len(texts) != 1 || texts[0] != want {
			t.Errorf("the server got %q, want %q", texts, want)
		}
	})
}

func TestAFilterChooses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider, r := recorder()
		db := newDB(t, fakedb.New(), oteltrace.Options{
			Attributes: []attribute.KeyValue{semconv.DBSystemNameSQLite},
			Filter:     func(_ context.Context, e *sqlpool.Executing) bool { return e.Op == sqlpool.OpPing },
		}.Hooks(provider))
		_, err := db.Exec("INSERT a")
		must(t, err, db.Ping())
		spans := take(r)
		if got := names(spans); got != "PING" || attributes(spans[0])[semconv.DBSystemNameKey] != "sqlite" {
			t.Errorf("%s %v", got, attributes(spans[0]))
		}
	})
}

// TestRealServer has both drivers fail, wait, and tell where the server is.
func TestRealServer(t *testing.T) {
	for _, name := range []string{drivers.PGX, drivers.PQ} {
		t.Run(name, func(t *testing.T) {
			provider, r := recorder()
			h, err := drivers.Open(name, pgserver.DSN(t),
				drivers.WithHooks(oteltrace.Options{Text: oteltrace.TextAlways}.Hooks(provider)))
			must(t, err)
			defer h.DB.Close()
			var n int
			must(t, h.DB.QueryRow("SELECT $1::int", 7).Scan(&n))
			s := take(r)[0]
			a := attributes(s)
			if s.Name() != "SELECT" || a[semconv.ServerAddressKey] == "" || a[semconv.DBClientConnectionPoolNameKey] == "" {
				t.Errorf("%s %v", s.Name(), a)
			}
			_, err = h.DB.Exec("SELECT 1/0")
			s = take(r)[0]
			a = attributes(s)
			if err == nil || s.Status().Code != codes.Error || a[semconv.DBResponseStatusCodeKey] != "22012" || a[semconv.ErrorTypeKey] != "22012" {
				t.Errorf("%v: %v %v", err, s.Status(), a)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err = h.DB.ExecContext(ctx, "SELECT pg_sleep(60)")
			a = attributes(take(r)[0])
			if !errors.Is(err, context.DeadlineExceeded) || a[semconv.ErrorTypeKey] == "" {
				t.Errorf("%v: %v", err, a)
			}
			_, err = h.DB.Query("SELECT generate_series(1, 10) / 0")
			a = attributes(take(r)[0])
			if err == nil && a[semconv.ErrorTypeKey] == "" {
				t.Errorf("%v: %v", err, a)
			}
		})
	}
}

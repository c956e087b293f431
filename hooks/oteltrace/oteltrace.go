package oteltrace

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sqlpool/go/sqlpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope names the instrumentation.
const scope = "github.com/sqlpool/go/hooks/oteltrace"

// Version is the version of the semantic conventions that the names are from.
const Version = "1.43.0"

// Text says whether spans show the SQL.
type Text int

const (
	// TextParameterized shows the text of statements that have arguments or that the
	// program has prepared: values are not in it, as a rule. It is the default.
	TextParameterized Text = iota

	// TextAlways shows every text, and so the values that a program writes into it.
	TextAlways

	// TextNever shows none.
	TextNever
)

// Options change what is traced. The zero value is the default. They are read when
// Hooks is called.
type Options struct {
	// Attributes are added to every span. Without a db.system.name among them it is
	// "postgresql".
	Attributes []attribute.KeyValue

	// Text says which spans have db.query.text.
	Text Text

	// Filter reports whether an operation gets a span; nil traces all but pings. It is
	// called in the caller's goroutine, with the caller's context, for pings too.
	Filter func(ctx context.Context, e *sqlpool.Executing) bool

	// Comment appends the span's context to the SQL of an exec or query that is not
	// prepared, as a comment /*traceparent='…'*/ for the server's log. Every text is
	// then different, which defeats each cache of statements by text: use it with
	// default_query_exec_mode=exec on pgx and without pool_cache_queries on lib/pq.
	Comment bool
}

// Hooks returns hooks that trace with the default options. A nil provider panics.
// They may serve several pools.
func Hooks(provider trace.TracerProvider) sqlpool.Hooks { return Options{}.Hooks(provider) }

// Hooks returns hooks that trace. A nil provider panics. They may serve several pools.
func (o Options) Hooks(provider trace.TracerProvider) sqlpool.Hooks {
	if provider == nil {
		panic("oteltrace: the provider is nil; pass otel.GetTracerProvider() for the global one")
	}
	t := &tracer{Options: o, tracer: provider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))}
	if t.Filter == nil {
		t.Filter = func(_ context.Context, e *sqlpool.Executing) bool { return e.Op != sqlpool.OpPing }
	}
	t.Attributes = slices.Clone(t.Attributes)
	if !slices.ContainsFunc(t.Attributes, func(a attribute.KeyValue) bool { return a.Key == semconv.DBSystemNameKey }) {
		t.Attributes = append(t.Attributes, semconv.DBSystemNamePostgreSQL)
	}
	return sqlpool.Hooks{OnStatement: t.begin}
}

type tracer struct {
	Options
	tracer trace.Tracer
}

func (t *tracer) begin(ctx context.Context, e *sqlpool.Executing) func(sqlpool.Executed) {
	if !t.Filter(ctx, e) {
		return nil
	}
	name := operation(e)
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(t.Attributes...), trace.WithAttributes(semconv.DBOperationName(name)))
	if span.IsRecording() && e.Text != "" && t.shows(e) {
		span.SetAttributes(semconv.DBQueryText(e.Text))
	}
	if t.Comment && !e.Prepared && (e.Op == sqlpool.OpExec || e.Op == sqlpool.OpQuery) {
		e.Text += comment(ctx)
	}
	query := e.Op == sqlpool.OpQuery
	return func(e sqlpool.Executed) { end(span, query, e) }
}

func (t *tracer) shows(e *sqlpool.Executing) bool {
	switch t.Text {
	case TextAlways:
		return true
	case TextNever:
		return false
	}
	return e.Args > 0 || e.Prepared || e.Op == sqlpool.OpPrepare
}

// operation names what is done. It is one of few words, whatever the text is.
func operation(e *sqlpool.Executing) string {
	if e.Op != sqlpool.OpExec && e.Op != sqlpool.OpQuery {
		return strings.ToUpper(string(e.Op))
	}
	text := strings.TrimLeft(e.Text, " \t\r\n(")
	word := text
	if i := strings.IndexFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }); i >= 0 {
		word = text[:i]
	}
	if word = strings.ToUpper(word); slices.Contains(verbs, word) {
		return word
	}
	return strings.ToUpper(string(e.Op)) // it begins with a comment, or is no SQL that is known here
}

// verbs are the first words of PostgreSQL's commands that a program executes.
var verbs = []string{
	"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "TABLE", "COPY", "CALL", "DO", "SET", "RESET", "SHOW",
	"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "LOCK", "EXPLAIN", "LISTEN", "NOTIFY", "UNLISTEN",
	"CREATE", "ALTER", "DROP", "TRUNCATE", "GRANT", "REVOKE", "COMMENT", "ANALYZE", "VACUUM", "REINDEX", "CLUSTER", "REFRESH",
	"PREPARE", "EXECUTE", "DEALLOCATE", "DECLARE", "FETCH", "MOVE", "CLOSE", "DISCARD", "CHECKPOINT",
}

func end(span trace.Span, query bool, e sqlpool.Executed) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	if c := e.Conn; c != nil {
		span.SetAttributes(semconv.DBClientConnectionPoolName(c.Pool()), attribute.Int64("sqlpool.connection.id", int64(c.ID())))
		span.SetAttributes(server(c.Backend().Server)...)
	}
	if e.Waited > 0 {
		span.SetAttributes(attribute.Float64("sqlpool.connection.wait_time", e.Waited.Seconds()))
	}
	if query && e.Answered < e.Took {
		span.AddEvent("answered", trace.WithAttributes(attribute.Float64("sqlpool.answered_after", e.Answered.Seconds())))
	}
	switch {
	case e.Err == nil:
	case errors.Is(e.Err, driver.ErrSkip): // what follows is the statement
		span.SetAttributes(attribute.Bool("sqlpool.skipped", true))
	default:
		span.SetStatus(codes.Error, e.Err.Error())
		if state := sqlState(e.Err); state != "" {
			span.SetAttributes(semconv.DBResponseStatusCode(state), semconv.ErrorTypeKey.String(state))
			return
		}
		span.SetAttributes(semconv.ErrorTypeKey.String(errorType(e.Err)))
	}
}

func sqlState(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// errorType is the name of a context's end, or the type of the innermost error.
func errorType(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "context.DeadlineExceeded"
	case errors.Is(err, context.Canceled):
		return "context.Canceled"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}

// server names the address that a connection leads to.
func server(address string) []attribute.KeyValue {
	if address == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	n, bad := strconv.Atoi(port)
	if err != nil || bad != nil { // a Unix socket
		return []attribute.KeyValue{semconv.ServerAddress(address)}
	}
	return []attribute.KeyValue{semconv.ServerAddress(host), semconv.ServerPort(n)}
}

// comment is the context as the conventions write it into SQL: keys in order, values
// encoded as in a URL.
func comment(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if len(carrier) == 0 {
		return ""
	}
	var pairs []string
	for key, value := range carrier {
		pairs = append(pairs, key+"='"+strings.ReplaceAll(url.QueryEscape(value), "+", "%20")+"'")
	}
	slices.Sort(pairs)
	return " /*" + strings.Join(pairs, ",") + "*/"
}

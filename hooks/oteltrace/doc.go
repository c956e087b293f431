// Package oteltrace makes a span of each statement that a pool executes, by
// OpenTelemetry's semantic conventions for database clients (see Version).
//
//	pool, err := sqlpool.New(sqlpool.Config{…, Hooks: []sqlpool.Hooks{oteltrace.Hooks(provider)}})
//
// For a pool behind sql.Open("sqlpool-pgx", dsn), before its first use:
//
//	err := drivers.AddHooks(db, oteltrace.Hooks(otel.GetTracerProvider()))
//
// It needs no wrapper around the driver. Below the pool a wrapper may hide the
// connection's socket from the pool, and above the pool it may hide the end of loans.
//
// # The spans
//
// Each exec, query, prepare, begin, commit and rollback of database/sql has a span of
// kind client, a child of the span in the caller's context. The span of a query ends
// when its rows are closed, and has an event "answered" at the moment when there were
// rows to be read.
//
//	db.system.name                       postgresql, or what Options.Attributes says
//	db.operation.name                    of a text: its first word, in capitals; else PREPARE, BEGIN, COMMIT, ROLLBACK
//	db.query.text                        see Options.Text
//	db.response.status_code, error.type  the SQLSTATE of a failure; without one, error.type is the Go type
//	server.address, server.port          where the connection leads, if the driver tells
//	db.client.connection.pool.name       Config.Name of the pool
//	sqlpool.connection.id                the pool's number of the connection
//	sqlpool.connection.wait_time         seconds in the queue, for the first statement of a loan, if it waited
//
// The name of a span is db.operation.name. The time in the queue is before the
// span, because database/sql acquires a connection before it calls the driver.
//
// What a program does with the driver's own connection (sql.Conn.Raw, Loan), and
// what the pool executes for itself, has no span.
package oteltrace

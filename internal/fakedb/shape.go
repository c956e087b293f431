package fakedb

import (
	"context"
	"database/sql/driver"
)

// Shape presents a connection as that of some driver: what a pool finds by type assertion depends on it. A test may
// write its own.
type Shape func(*Conn) driver.Conn

// Remove is an argument that CheckNamedValue takes away with driver.ErrRemoveArgument.
type Remove struct{}

// std is every optional interface of a connection in database/sql/driver.
type std interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

type (
	aliver   interface{ Alive() error }
	statuser interface{ TxStatus() byte }
	senter   interface{ Sent() uint64 }
	aborter  interface{ Abort() error }
	staler   interface{ StatementStale(error) bool }
	cacher   interface{ CacheQueries() bool }
)

// Full has every ability.
func Full(c *Conn) driver.Conn { return c }

// Std has every optional interface of database/sql/driver, a NamedValueChecker among them, and no other ability.
func Std(c *Conn) driver.Conn { return struct{ std }{c} }

// NoAlive is Full without Alive: the pool has to ping. Like the other shapes that lack an ability it has no Raw, which
// would lead to a connection that has it.
func NoAlive(c *Conn) driver.Conn {
	return struct {
		std
		statuser
		senter
		aborter
		staler
		cacher
	}{c, c, c, c, c, c}
}

// NoTxStatus is Full without TxStatus, like lib/pq.
func NoTxStatus(c *Conn) driver.Conn {
	return struct {
		std
		aliver
		senter
		aborter
		staler
		cacher
	}{c, c, c, c, c, c}
}

// NoSent is Full without Sent: the pool cannot know whether a statement was sent.
func NoSent(c *Conn) driver.Conn {
	return struct {
		std
		aliver
		statuser
		aborter
		staler
		cacher
	}{c, c, c, c, c, c}
}

// NoAbort is Full without Abort: a blocked call cannot be interrupted.
func NoAbort(c *Conn) driver.Conn {
	return struct {
		std
		aliver
		statuser
		senter
		staler
		cacher
	}{c, c, c, c, c, c}
}

// Skipper is Std, but the connection's own ExecContext and QueryContext return driver.ErrSkip.
func Skipper(c *Conn) driver.Conn { return skipConn{c} }

type skipConn struct{ std }

// ExecContext implements driver.ExecerContext.
func (skipConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, driver.ErrSkip
}

// QueryContext implements driver.QueryerContext.
func (skipConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return nil, driver.ErrSkip
}

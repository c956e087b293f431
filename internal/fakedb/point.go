package fakedb

import (
	"context"
	"database/sql/driver"
)

// Point is a method at which a call can be scripted and counted.
type Point uint8

// The points, in the order of a connection's life.
const (
	Connect Point = iota
	Ping
	CheckNamedValue
	Prepare
	Exec
	Query
	RowsNext
	RowsClose
	StmtExec
	StmtQuery
	StmtClose
	BeginTx
	Commit
	Rollback
	ResetSession
	IsValid
	Alive
	Abort
	Close
	points // how many there are
)

var pointNames = [points]string{
	"Connect", "Ping", "CheckNamedValue", "Prepare", "Exec", "Query", "RowsNext", "RowsClose", "StmtExec", "StmtQuery",
	"StmtClose", "BeginTx", "Commit", "Rollback", "ResetSession", "IsValid", "Alive", "Abort", "Close",
}

// String returns the point's name.
func (p Point) String() string {
	if p >= points {
		return "Point(?)"
	}
	return pointNames[p]
}

// sends says whether the method writes to the server. ResetSession, like that of pgx and lib/pq, does not.
func (p Point) sends() bool {
	switch p {
	case Ping, Prepare, Exec, Query, StmtExec, StmtQuery, StmtClose, BeginTx, Commit, Rollback:
		return true
	}
	return false
}

// runs says whether a failure at this point fails the open transaction.
func (p Point) runs() bool {
	switch p {
	case Prepare, Exec, Query, StmtExec, StmtQuery:
		return true
	}
	return false
}

// Call is one call as a script sees it.
type Call struct {
	Ctx   context.Context // never nil; Background where the method has none
	Point Point
	Conn  int64  // the connection's id; 0 at Connect
	N     int    // the how-manieth call of this Point since the script was installed, from 1
	Text  string // the statement, if there is one
	Args  []driver.NamedValue
}

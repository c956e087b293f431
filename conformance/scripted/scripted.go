// Package scripted is a database that runs in the test's own process and does what it
// is told: the conformance suite is tested on it, and so can be a pool or a rule of
// one's own, in milliseconds and without a server.
//
//	db := scripted.New()
//	db.On(scripted.Exec, scripted.Fault{Text: "INSERT", Stage: scripted.AfterEffect, Err: io.ErrUnexpectedEOF}) // a reply is lost
//	report, err := scripted.Target(db).Check(ctx)
//
// It works in testing/synctest bubbles. What it understands is in the documentation
// of [DB]'s package: SELECT 1, SERIES 5, INSERT ?, SLEEP 5s, FAIL 23505 and a few more;
// every other text is accepted.
package scripted

import (
	"context"
	"fmt"

	"github.com/sqlpool/go/conformance"
	"github.com/sqlpool/go/internal/fakedb"
)

type (
	// DB is the server: it accepts connections, keeps a ledger of what INSERT wrote,
	// counts what happens to it, and misbehaves on request.
	DB = fakedb.DB

	// Conn is a connection of it.
	Conn = fakedb.Conn

	// Fault says which calls are befallen, and by what.
	Fault = fakedb.Fault

	// Rule is an installed fault.
	Rule = fakedb.Rule

	// Call is one call as a script sees it.
	Call = fakedb.Call

	// Point is a method at which a call can be scripted and counted.
	Point = fakedb.Point

	// Death is the manner in which a connection dies.
	Death = fakedb.Death

	// Error is an error of the server, with its SQLSTATE.
	Error = fakedb.Error

	// Shape presents a connection as that of some driver.
	Shape = fakedb.Shape

	// Counts is what has happened so far.
	Counts = fakedb.Counts
)

// The points at which a fault can strike.
const (
	Connect      = fakedb.Connect
	Ping         = fakedb.Ping
	Prepare      = fakedb.Prepare
	Exec         = fakedb.Exec
	Query        = fakedb.Query
	RowsNext     = fakedb.RowsNext
	RowsClose    = fakedb.RowsClose
	StmtExec     = fakedb.StmtExec
	StmtQuery    = fakedb.StmtQuery
	StmtClose    = fakedb.StmtClose
	BeginTx      = fakedb.BeginTx
	Commit       = fakedb.Commit
	Rollback     = fakedb.Rollback
	ResetSession = fakedb.ResetSession
	IsValid      = fakedb.IsValid
	Alive        = fakedb.Alive
	Abort        = fakedb.Abort
	Close        = fakedb.Close
)

// Where in a call a fault strikes, and what ends a call that hangs.
const (
	AfterSend   = fakedb.AfterSend
	BeforeSend  = fakedb.BeforeSend
	AfterEffect = fakedb.AfterEffect

	UntilDone     = fakedb.UntilDone
	UntilAbort    = fakedb.UntilAbort
	UntilReleased = fakedb.UntilReleased
)

// New returns a server that is up and does what it is told.
func New() *DB { return fakedb.New() }

// Target is a target on the server.
func Target(db *DB) conformance.Target {
	return conformance.Target{Name: "scripted", Connector: db.Connector(), Server: server{db}, Replicas: replicas(db), Dialect: conformance.Dialect{
		Name: "scripted", One: "SELECT 1", Echo: "SELECT ?", Series: "SERIES %v", Bulk: "BULK %[1]v %[2]v", Sets: "SELECT 1; SELECT 2",
		Session: "SELECT pid", Sleep: "SLEEP %vs", Fail: "FAIL 22012", Code: "22012", Raise: "FAIL %v", Stubborn: "SLEEP %vs", Types: []string{"SELECT 7", "SELECT x", "COLUMNS 12", "COLUMNS 300"},
		Set: "SET v=%v", Show: "SHOW v", Reset: "RESET ALL", Path: "SET v=%v", Begin: "BEGIN", Discard: "DEALLOCATE ALL",
		EchoInt: "SELECT ?", EchoFloat: "SELECT ?", EchoBool: "SELECT ?", EchoBytes: "SELECT ?", EchoTime: "SELECT ?",
		Insert: "INSERT ?", Returning: "INSERT ? RETURNING", Affect: "AFFECT %v", Alter: "ALTER {t}",
		Written: func(_ context.Context, token string) (int, error) { return db.Written(token), nil },
	}}
}

// replicas are two that replay at once what the server writes.
func replicas(db *DB) (all []conformance.Replica) {
	for range 2 {
		r := db.Replica()
		all = append(all, conformance.Replica{Connector: r.Connector(), Hold: r.Hold})
	}
	return all
}

type server struct{ db *DB }

// Kill implements conformance.Server.
func (s server) Kill(_ context.Context, session string) error {
	for _, c := range s.db.Conns() {
		if fmt.Sprint(c.ID()) == session {
			c.Kill(Death{})
			return nil
		}
	}
	return fmt.Errorf("there is no session %s", session)
}

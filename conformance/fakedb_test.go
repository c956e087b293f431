package conformance

import (
	"context"
	"fmt"

	"github.com/sqlpool/go/internal/fakedb"
)

// fakeDialect is what the scripted driver understands.
var fakeDialect = Dialect{
	Name: "fakedb", One: "SELECT 1", Echo: "SELECT ?", Series: "SERIES %v", Bulk: "BULK %[1]v %[2]v", Sets: "SELECT 1; SELECT 2",
	Session: "SELECT pid", Sleep: "SLEEP %vs", Fail: "FAIL 22012", Code: "22012", Raise: "FAIL %v", Stubborn: "SLEEP %vs", Types: []string{"SELECT 7", "SELECT x", "COLUMNS 12", "COLUMNS 300"},
	Set: "SET v=%v", Show: "SHOW v", Reset: "RESET ALL", Path: "SET v=%v", Begin: "BEGIN", Discard: "DEALLOCATE ALL",
	EchoInt: "SELECT ?", EchoFloat: "SELECT ?", EchoBool: "SELECT ?", EchoBytes: "SELECT ?", EchoTime: "SELECT ?",
	Insert: "INSERT ?", Returning: "INSERT ? RETURNING", Affect: "AFFECT %v", Alter: "ALTER {t}",
}

// fakeTarget is a target on a scripted server of its own.
func fakeTarget() (*fakedb.DB, Target) {
	db := fakedb.New()
	d := fakeDialect
	d.Written = func(_ context.Context, token string) (int, error) { return db.Written(token), nil }
	return db, Target{Name: "fakedb", Connector: db.Connector(), Dialect: d, Server: fakeServer{db}, Replicas: fakeReplicas(db)}
}

type fakeServer struct{ db *fakedb.DB }

func (s fakeServer) Kill(_ context.Context, session string) error {
	return s.killWith(session, fakedb.Death{})
}

func (s fakeServer) killWith(session string, how fakedb.Death) error {
	for _, c := range s.db.Conns() {
		if fmt.Sprint(c.ID()) == session {
			c.Kill(how)
			return nil
		}
	}
	return fmt.Errorf("there is no session %s", session)
}

// fakeReplicas are two replicas of a scripted server.
func fakeReplicas(db *fakedb.DB) (all []Replica) {
	for range 2 {
		r := db.Replica()
		all = append(all, Replica{Connector: r.Connector(), Hold: r.Hold})
	}
	return all
}

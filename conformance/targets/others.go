package targets

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver's only way in

	"github.com/sqlpool/go/conformance"
	"github.com/sqlpool/go/internal/fakedb"
)

// others is sqlpool on drivers that are not PostgreSQL's.
func others() []Contender {
	return []Contender{
		{"sqlite", "sqlpool on modernc.org/sqlite", true, onSQLite},
		{"fakedb", "sqlpool on the scripted driver of its own tests", true, onFake},
	}
}

func onSQLite(p places) (conformance.Target, error) {
	db, err := sql.Open("sqlite", "")
	if err != nil {
		return conformance.Target{}, err
	}
	defer db.Close()
	dsn := "file:" + filepath.Join(p.folder, "conformance.db") + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"
	return conformance.Target{Connector: named{db.Driver(), dsn}, Dialect: conformance.SQLite, Lacks: map[conformance.Need]string{
		conformance.NeedCancel: "SQLite runs in this process and has no statement that only takes time",
	}}, nil
}

// named is a connector for drivers that have none.
type named struct {
	driver driver.Driver
	dsn    string
}

// Connect implements driver.Connector.
func (n named) Connect(context.Context) (driver.Conn, error) { return n.driver.Open(n.dsn) }

// Driver implements driver.Connector.
func (n named) Driver() driver.Driver { return n.driver }

func onFake(places) (conformance.Target, error) {
	db := fakedb.New()
	return conformance.Target{Connector: db.Connector(), Server: fakeServer{db}, Dialect: conformance.Dialect{
		Name: "fakedb", One: "SELECT 1", Echo: "SELECT ?", Series: "SERIES %v", Bulk: "BULK %[1]v %[2]v", Sets: "SELECT 1; SELECT 2",
		Session: "SELECT pid", Sleep: "SLEEP %vs", Fail: "FAIL 22012", Code: "22012", Types: []string{"SELECT 7", "SELECT x", "COLUMNS 12", "COLUMNS 300"},
		Set: "SET v=%v", Show: "SHOW v", Reset: "RESET ALL", Begin: "BEGIN", Discard: "DEALLOCATE ALL",
		EchoInt: "SELECT ?", EchoFloat: "SELECT ?", EchoBool: "SELECT ?", EchoBytes: "SELECT ?", EchoTime: "SELECT ?",
		Insert: "INSERT ?", Returning: "INSERT ? RETURNING", Affect: "AFFECT %v", Alter: "ALTER {t}",
		Written: func(_ context.Context, token string) (int, error) { return db.Written(token), nil },
	}}, nil
}

type fakeServer struct{ db *fakedb.DB }

// Kill implements conformance.Server.
func (s fakeServer) Kill(_ context.Context, session string) error {
	for _, c := range s.db.Conns() {
		if fmt.Sprint(c.ID()) == session {
			c.Kill(fakedb.Death{})
			return nil
		}
	}
	return fmt.Errorf("there is no session %s", session)
}

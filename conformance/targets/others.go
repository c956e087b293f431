package targets

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver's only way in

	"github.com/sqlpool/go/conformance"
	"github.com/sqlpool/go/conformance/scripted"
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
	t := scripted.Target(scripted.New())
	t.Name, t.Dialect.Name = "", "fakedb"
	return t, nil
}

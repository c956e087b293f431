package bench

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Op is something that a contender is asked to do again and again.
type Op string

const (
	Select   Op = "SELECT 1"           // no argument
	Argument Op = "one argument"       // SELECT $1::int + 1
	Stmt     Op = "*sql.Stmt"          // the same through one prepared statement; pgxpool has none and sends the text
	Read     Op = "read by key"        // one row of 10,000 by its primary key
	Tx1      Op = "transaction of 1"   // an insert between BEGIN and COMMIT
	Tx3      Op = "transaction of 3"   // a read, an update and an insert
	Unused   Op = "unused transaction" // BEGIN and ROLLBACK
	Insert   Op = "insert"             // one row, two arguments
	Exec     Op = "Exec"               // SELECT 1 without a row to read
	Conn     Op = "Conn and Close"     // a connection taken from the *sql.DB and given back; nothing is sent
	Sleep    Op = "2 ms query"         // SELECT pg_sleep(0.002)
	Bigger   Op = "cancelled query"    // SELECT pg_sleep(0.005), for a context that ends before
)

// ServerOps are those that are measured on a real server.
var ServerOps = []Op{Select, Argument, Stmt, Read, Tx1, Tx3, Insert}

// rows is how many there are to read and update: enough that transactions seldom
// wait for each other's locks.
const rows = 10_000

// texts are the statements on the tables of one schema.
type texts struct {
	schema               string
	read, update, insert string
}

func textsOf(schema string) texts {
	return texts{
		schema: schema,
		read:   "SELECT balance FROM " + schema + ".account WHERE id = $1",
		update: "UPDATE " + schema + ".account SET balance = balance + $1 WHERE id = $2",
		insert: "INSERT INTO " + schema + ".entry (account, amount) VALUES ($1, $2)",
	}
}

const (
	selectText = "SELECT 1"
	argText    = "SELECT $1::int + 1"
)

// CreateTables makes the schema that the statements work in.
func CreateTables(ctx context.Context, db *sql.DB, schema string) error {
	for _, text := range []string{
		"CREATE SCHEMA " + schema,
		"CREATE TABLE " + schema + ".account (id int PRIMARY KEY, balance int NOT NULL) WITH (fillfactor = 50)",
		fmt.Sprintf("INSERT INTO %s.account SELECT i, 1000 FROM generate_series(0, %d) i", schema, rows-1),
		"CREATE TABLE " + schema + ".entry (id bigserial PRIMARY KEY, account int NOT NULL, amount int NOT NULL)",
	} {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", strings.SplitN(text, "(", 2)[0], err)
		}
	}
	return nil
}

// DropTables removes it.
func DropTables(ctx context.Context, db *sql.DB, schema string) error {
	_, err := db.ExecContext(ctx, "DROP SCHEMA "+schema+" CASCADE")
	return err
}

package acceptance

import (
	"context"
	"database/sql/driver"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
)

// A program that needs its driver's own connection reaches it through the
// session.
func TestRawReachesTheDriversConnection(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.pool(sqlpool.Config{MaxConns: 2})
		conn, err := db.Conn(a.ctx())
		a.must(err)
		defer conn.Close()
		var kind string
		a.must(conn.Raw(func(dc any) error {
			kind = fmt.Sprintf("%T", dc.(interface{ Raw() driver.Conn }).Raw())
			return nil
		}))
		if want := map[string]string{"pgx": "*stdlib.Conn", "pq": "*pq.conn"}[a.adapter.name]; kind != want {
			a.Errorf("Raw leads to %s, want %s", kind, want)
		}
	})
}

func TestCopyFromThroughPgx(t *testing.T) {
	onEach(t, func(a *app) {
		if a.adapter.name != "pgx" {
			return // lib/pq's COPY is the next test
		}
		_, db := a.pool(sqlpool.Config{MaxConns: 2})
		a.exec(db, "CREATE TABLE copied (id int, name text)")
		conn, err := db.Conn(a.ctx())
		a.must(err)
		a.must(conn.Raw(func(dc any) error {
			if _, ok := dc.(interface{ Raw() driver.Conn }).Raw().(*stdlib.Conn); !ok {
				a.Error("not *stdlib.Conn")
			}
			return nil
		}))
		a.must(pgxv5.Raw(conn, func(c *pgx.Conn) error {
			rows := [][]any{{1, "one"}, {2, "two"}, {3, nil}}
			_, err := c.CopyFrom(a.ctx(), pgx.Identifier{"copied"}, []string{"id", "name"}, pgx.CopyFromRows(rows))
			return err
		}))
		a.must(conn.Close())
		var n int
		a.must(db.QueryRowContext(a.ctx(), "SELECT count(*) FROM copied").Scan(&n))
		if n != 3 {
			a.Errorf("%d rows, want 3", n)
		}
	})
}

func TestCopyThroughLibPQ(t *testing.T) {
	onEach(t, func(a *app) {
		if a.adapter.name != "pq" {
			return
		}
		pool, db := a.pool(sqlpool.Config{MaxConns: 2})
		a.exec(db, "CREATE TABLE copied (id int, name text)")
		tx, err := db.BeginTx(a.ctx(), nil)
		a.must(err)
		stmt, err := tx.Prepare(pq.CopyIn("copied", "id", "name"))
		a.must(err)
		for i := range 100 {
			if _, err := stmt.Exec(i, fmt.Sprint("name ", i)); err != nil {
				a.Fatal(err)
			}
		}
		res, err := stmt.Exec()
		a.must(err)
		if n, _ := res.RowsAffected(); n != 100 {
			a.Errorf("COPY says %d rows", n)
		}
		a.must(stmt.Close())
		a.must(tx.Commit())
		var n int
		a.must(db.QueryRowContext(a.ctx(), "SELECT count(*) FROM copied").Scan(&n))
		if n != 100 {
			a.Errorf("%d rows, want 100", n)
		}
		if s := pool.Stats(); s.CloseCount != 0 || s.Closing != 0 {
			a.Errorf("COPY cost a connection: %+v", s)
		}
	})
}

// LISTEN and NOTIFY work on a connection that is held.
func TestNotificationsOnAHeldConnection(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.pool(sqlpool.Config{MaxConns: 2})
		conn, err := db.Conn(a.ctx())
		a.must(err)
		defer conn.Close()
		_, err = conn.ExecContext(a.ctx(), "LISTEN news")
		a.must(err)

		got := make(chan string, 1)
		switch a.adapter.name {
		case "pgx":
			a.exec(db, "NOTIFY news, 'hello'")
			a.must(pgxv5.Raw(conn, func(c *pgx.Conn) error {
				n, err := c.WaitForNotification(a.ctx())
				if err == nil {
					got <- n.Payload
				}
				return err
			}))
		case "pq":
			a.must(libpq.Raw(conn, func(c driver.Conn) error {
				pq.SetNotificationHandler(c, func(n *pq.Notification) { got <- n.Extra })
				return nil
			}))
			a.exec(db, "NOTIFY news, 'hello'")
			_, err = conn.ExecContext(context.Background(), "SELECT 1") // lib/pq reads notifications with an answer
			a.must(err)
		}
		select {
		case payload := <-got:
			if payload != "hello" {
				a.Errorf("payload %q", payload)
			}
		case <-a.ctx().Done():
			a.Error("no notification came")
		}
	})
}

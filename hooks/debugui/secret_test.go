package debugui_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

const secret = "hunter2sEcReT"

// indiscreet is a connector whose errors repeat its connection string, as those
// of some drivers do.
type indiscreet struct {
	driver.Connector
	down *bool
	says func() error
}

func (c indiscreet) Connect(ctx context.Context) (driver.Conn, error) {
	if *c.down {
		return nil, c.says()
	}
	return c.Connector.Connect(ctx)
}

type pgError struct{ text string }

func (e pgError) Error() string    { return e.text }
func (e pgError) SQLState() string { return "22P02" }

// The secret is in the connection string, in arguments, in statements, in the
// errors of dials, statements and hooks; and in none of the outputs, at any
// moment.
func TestNoSecretIsEverShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		down, closing := false, false
		n := 0
		dials := []string{
			"cannot connect to postgres://app:" + secret + "@db.example/orders?sslmode=require",
			"cannot connect to postgres://app:p@ss/w:" + secret + "@db.example/orders",
			"cannot parse `host=db user=app password=" + secret + " dbname=orders`",
			"dsn host=db password='" + secret + " x' rejected",
			"bad URL db.example?user=app&password=" + secret + "&x=1",
			"PGPASSWORD=" + secret + " is wrong; api_key: " + secret + "; client-secret = " + secret,
			`invalid input syntax for type integer: "` + secret + `" (SQLSTATE 22P02)`,
			"value '" + secret + "' is out of range",
			`unterminated "` + secret,
		}
		server := fakedb.New()
		l := open(t, debugui.Config{Controls: true}, sqlpool.Config{
			MaxConns: 3, FailFastAfter: time.Hour,
			Connector: indiscreet{server.Connector(), &down, func() error { n++; return errors.New(dials[n%len(dials)]) }},
			Hooks: []sqlpool.Hooks{{AfterRelease: func(sqlpool.Releasing) error {
				if !closing {
					return nil
				}
				n++
				return []error{
					&sqlpool.Reason{Code: "bad_value", Err: pgError{`invalid input: "` + secret + `"`}},
					fmt.Errorf("refused: %s", secret), errors.New(secret),
				}[n%3]
			}}},
		})
		show := func(when string) {
			t.Helper()
			for _, format := range []string{"html", "json", "text"} {
				if out := l.get(format); strings.Contains(out, secret) {
					at := strings.Index(out, secret)
					t.Errorf("%s: the %s shows …%s…", when, format, out[max(0, at-80):at+len(secret)])
				}
			}
		}
		db := sqlpool.OpenDB(l.pool)
		defer db.Close()
		var held []*sql.Conn
		for _, q := range []struct {
			text string
			args []any
		}{
			{"SELECT $1::text", []any{secret}},
			{"SELECT * FROM users WHERE password = '" + secret + "' AND id = 7", nil},
			{"INSERT INTO t VALUES (E'it\\'s " + secret + "', $tag$" + secret + "$tag$) -- " + secret, nil},
		} {
			c, err := db.Conn(t.Context())
			must(t, err)
			_, err = c.ExecContext(t.Context(), q.text, q.args...)
			must(t, err)
			held = append(held, c)
			show(q.text)
		}
		time.Sleep(40 * time.Second)
		show("with leaks")
		closing = true
		for _, c := range held {
			must(t, c.Close())
		}
		synctest.Wait()
		show("with refused connections")
		down = true
		for range 4 * len(dials) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			_, _ = l.pool.Acquire(ctx)
			cancel()
			show("in an outage")
		}
		if n < 2*len(dials) {
			t.Errorf("only %d errors were made", n)
		}
		down, closing = false, false
	})
}

package acceptance

import (
	"bufio"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/sqlpool"
)

// hollow is a server, or a pooler whose server is down: it takes every login and
// ends the connection at the first statement.
type hollow struct {
	net.Listener
	logins atomic.Int64
}

// cancelRequest is the code of a connection that cancels a statement of another.
const cancelRequest = 80877102

func newHollow(t *testing.T) *hollow {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hollow{Listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go h.serve(c)
		}
	}()
	return h
}

func (h *hollow) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return
	}
	startup := make([]byte, binary.BigEndian.Uint32(size[:])-4)
	if _, err := io.ReadFull(r, startup); err != nil || binary.BigEndian.Uint32(startup) == cancelRequest {
		return
	}
	h.logins.Add(1)
	// AuthenticationOk and ReadyForQuery.
	if _, err := c.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 0, 'Z', 0, 0, 0, 5, 'I'}); err != nil {
		return
	}
	_, _ = r.ReadByte() // of the first statement
}

func TestOneCallGoesThroughAHandfulOfLogins(t *testing.T) {
	for _, name := range []string{"sqlpool-pgx", "sqlpool-pq"} {
		for what, call := range map[string]func(*sql.DB) error{
			"ping": (*sql.DB).Ping,
			"begin": func(db *sql.DB) error {
				tx, err := db.Begin()
				if err != nil {
					return err
				}
				defer tx.Rollback()
				_, err = tx.Exec("SELECT 1")
				return err
			},
			"prepare": func(db *sql.DB) error { _, err := db.Prepare("SELECT 1"); return err },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				h := newHollow(t)
				db, err := sql.Open(name, fmt.Sprintf("host=127.0.0.1 port=%d user=app dbname=orders sslmode=disable", h.Addr().(*net.TCPAddr).Port))
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				start := time.Now()
				err = call(db)
				if n := h.logins.Load(); err == nil || n > 5 {
					t.Errorf("%d logins in %v: %v", n, time.Since(start), err)
				}
				pool, _ := drivers.PoolOf(db)
				monitor, _ := drivers.HealthOf(db)
				if s := pool.Stats(); s.State == sqlpool.StateUp || s.State == sqlpool.StateStarting {
					t.Errorf("%+v, health %+v", s, monitor.Status())
				}
				t.Logf("%d logins in %v, state %v: %v", h.logins.Load(), time.Since(start), pool.Stats().State, err)
			})
		}
	}
}

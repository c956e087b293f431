package acceptance

import (
	"database/sql"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/mocks/faultpool"
	"github.com/sqlpool/go/sqlpool"
)

// What faultpool makes of a connection that breaks is what a network that resets
// it makes of one in production, with both drivers.
func TestABrokenConnectionIsWhatFaultpoolSays(t *testing.T) {
	for _, scene := range []struct {
		name string
		run  func(t *testing.T, db *sql.DB, reset func()) error
		mock func(mock sqlmock.Sqlmock)
	}{
		{"rows", readAcross, func(mock sqlmock.Sqlmock) {
			mock.ExpectBegin()
			mock.ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows([]string{"x"}).AddRow("x").AddRow("x"))
		}},
		{"exec", func(t *testing.T, db *sql.DB, reset func()) error {
			tx := begun(t, db)
			reset()
			_, err := tx.Exec("UPDATE nothing SET a = 1")
			return errors.Join(err, tx.Commit())
		}, func(mock sqlmock.Sqlmock) { mock.ExpectBegin() }},
		{"commit", func(t *testing.T, db *sql.DB, reset func()) error {
			tx := begun(t, db)
			reset()
			return tx.Commit()
		}, func(mock sqlmock.Sqlmock) { mock.ExpectBegin() }},
	} {
		t.Run(scene.name, func(t *testing.T) {
			db, mock, faults, err := faultpool.New(t)
			if err != nil {
				t.Fatal(err)
			}
			scene.mock(mock)
			mocked := scene.run(t, db, faults.Disconnect)
			for _, driver := range []string{drivers.PGX, drivers.PQ} {
				db, reset := throughARelay(t, driver)
				if err := scene.run(t, db, reset); facts(err) != facts(mocked) {
					t.Errorf("%s: %v: %+v\non the mock: %v: %+v", driver, err, facts(err), mocked, facts(mocked))
				}
			}
		})
	}
}

// readAcross reads rows whose connection breaks after the first. It returns
// their error only if the rest is as it should be.
func readAcross(t *testing.T, db *sql.DB, reset func()) error {
	tx := begun(t, db)
	rows, err := tx.Query("SELECT repeat('x', 1000) FROM generate_series(1, 300000)")
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	reset()
	for rows.Next() {
	}
	if got := facts(tx.Commit()); !got.lost || got.sent {
		t.Errorf("commit after broken rows: %+v", got)
	}
	return rows.Err()
}

func begun(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// told is what a program can find out about an error.
type told struct{ reset, lost, sent bool }

func facts(err error) told {
	var lost *sqlpool.ConnLostError
	f := told{reset: errors.Is(err, syscall.ECONNRESET), lost: errors.Is(err, sqlpool.ErrConnLost)}
	f.sent = errors.As(err, &lost) && lost.Sent
	return f
}

// throughARelay opens a database whose connections reset can break: it returns
// when they are broken.
func throughARelay(t *testing.T, driver string) (db *sql.DB, reset func()) {
	t.Helper()
	server := pgserver.Shared(t)
	end := server.TCP()
	to := net.JoinHostPort(end.Host, strconv.Itoa(end.Port))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []*net.TCPConn
	var copies sync.WaitGroup
	copies.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", to)
			if err != nil {
				t.Error(err)
				client.Close()
				return
			}
			mu.Lock()
			open = append(open, client.(*net.TCPConn))
			mu.Unlock()
			copies.Go(func() { _, _ = io.Copy(upstream, client); upstream.Close() })
			copies.Go(func() { _, _ = io.Copy(client, upstream); client.Close() })
		}
	})
	reset = func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			_ = c.SetLinger(0) // a RST instead of an orderly end
			c.Close()
		}
		open = nil
	}
	end.Port = listener.Addr().(*net.TCPAddr).Port
	if db, err = sql.Open(driver, end.URL(server.NewDatabase(t))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Close()
		listener.Close()
		reset()
		copies.Wait()
	})
	return db, reset
}

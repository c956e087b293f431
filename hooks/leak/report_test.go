package leak_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// Every fact of a report is in its text: it is what is read at night.
func TestTheTextOfAReportHasItsFacts(t *testing.T) {
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	full := leak.Report{
		Pool: "orders", Conn: 4711, Held: 95*time.Second + 250*time.Millisecond, AcquiredAt: at, LastStatement: "SELECT 7", InTransaction: true,
		Backend: sqlpool.Backend{PID: 815}, Activity: sqlpool.ActivityIdle, Idle: 61 * time.Second, EndUnseen: true,
		Stack: []runtime.Frame{{Function: "main.report", File: "/src/report.go", Line: 42}, {Function: "main.main", File: "/src/main.go", Line: 7}},
	}
	returned, reclaimed, bare := full, full, leak.Report{Pool: "orders", Conn: 4711, Held: 95 * time.Second, AcquiredAt: at}
	returned.Returned, returned.Activity = true, sqlpool.ActivityUnknown
	reclaimed.Returned, reclaimed.Reclaimed = true, true
	const about = `pool "orders": connection 4711 `
	const rest = `, backend pid 815, acquired at 2001-02-03T04:05:06Z, in a transaction, last statement "SELECT 7", ` +
		"or closed already: a wrapper above the pool hides driver.Validator\n\tmain.report\n\t\t/src/report.go:42\n\tmain.main\n\t\t/src/main.go:7"
	for want, report := range map[string]leak.Report{
		about + "held for 1m35.25s, idle in hand for 1m1s" + rest:                      full,
		about + "returned after 1m35.25s" + rest:                                       returned,
		about + "taken back by force after 1m35.25s" + rest:                            reclaimed,
		about + "held for 1m35s, acquired at 2001-02-03T04:05:06Z, no stack was taken": bare,
	} {
		if got := report.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	running := bare
	running.Activity = sqlpool.ActivityRunning
	if got := running.String(); !strings.Contains(got, "held for 1m35s, running, acquired at") {
		t.Error(got)
	}
}

// A leaked connection that breaks, and is given back late, was not taken back by force.
func TestTheLateReturnOfABrokenConnectionIsNoReclaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := &reports{}
		server := fakedb.New()
		d := leak.New(leak.Config{Report: got.add})
		p, err := sqlpool.New(sqlpool.Config{Connector: server.Connector(), Hooks: []sqlpool.Hooks{d.Hooks()}})
		if err != nil {
			t.Fatal(err)
		}
		db := sqlpool.OpenDB(p)
		defer db.Close()
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), "SELECT 1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(32 * time.Second)
		server.KillAll()
		if _, err := conn.ExecContext(t.Context(), "SELECT 1"); err == nil {
			t.Fatal("the connection is not broken")
		}
		_ = conn.Close()
		synctest.Wait()
		all := got.take()
		if len(all) != 2 || !all[1].Returned || all[1].Reclaimed || strings.Contains(all[1].String(), "force") {
			t.Errorf("told: %v", all)
		}
	})
}

// A loan that has executed nothing is not shown with what an earlier borrower of its
// connection has.
func TestALeakIsNotShownWithAnothersStatement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, p, db, got := open(t, leak.Config{After: time.Second}, sqlpool.Config{MaxConns: 1})
		if _, err := db.Exec("SELECT 42"); err != nil {
			t.Fatal(err)
		}
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		reports, holders := got.take(), d.Holders()
		if len(reports) != 1 || len(holders) != 1 || reports[0].LastStatement+holders[0].LastStatement != "" {
			t.Errorf("reported %v, held %v", reports, holders)
		}
		if conns := p.Snapshot().Conns; len(conns) != 1 || conns[0].LastStatement != "" {
			t.Errorf("%+v", conns)
		}
		if _, err := conn.ExecContext(t.Context(), "SELECT 43"); err != nil {
			t.Fatal(err)
		}
		if h := d.Holders(); h[0].LastStatement != "SELECT 43" {
			t.Errorf("%v", h)
		}
		_ = conn.Close()
	})
}

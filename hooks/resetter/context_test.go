package resetter_test

import (
	"context"
	"database/sql/driver"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/resetter"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// A reset has RollbackTimeout, and the driver is told: also one whose calls cannot be
// cut off gives the connection up in time.
func TestAResetEndsWithItsContext(t *testing.T) {
	for name, hooks := range map[string]sqlpool.Hooks{
		"Clean":  resetter.Clean(),
		"Custom": resetter.Custom("RESET ALL"),
		"Func":   resetter.Func(func(ctx context.Context, c *sqlpool.Conn) error { return c.Exec(ctx, "RESET ALL") }),
	} {
		for at, fault := range map[fakedb.Point]fakedb.Fault{
			fakedb.Exec: {Hang: fakedb.UntilDone}, fakedb.Prepare: {Hang: fakedb.UntilDone}, fakedb.StmtExec: {Hang: fakedb.UntilDone},
		} {
			for kind, shape := range map[string]fakedb.Shape{"texts": fakedb.NoAbort, "prepares": skipping} {
				if (at == fakedb.Exec) != (kind == "texts") {
					continue
				}
				t.Run(name+"/"+at.String(), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						server := fakedb.New()
						p, err := sqlpool.New(sqlpool.Config{Connector: server.ConnectorAs(shape), MaxConns: 1, RollbackTimeout: time.Second, Hooks: []sqlpool.Hooks{hooks}})
						if err != nil {
							t.Fatal(err)
						}
						defer p.Close()
						loan, err := p.Acquire(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						rule := server.On(at, fault)
						time.AfterFunc(time.Hour, rule.Release)
						if err := loan.Release(); err != nil {
							t.Fatal(err)
						}
						start := time.Now()
						for server.Counts().Closes == 0 {
							time.Sleep(10 * time.Millisecond)
						}
						if took := time.Since(start); took > 1100*time.Millisecond || rule.Hits() == 0 {
							t.Errorf("given up after %v, %d hangs", took, rule.Hits())
						}
						rule.Remove()
						rule.Release()
					})
				})
			}
		}
	}
}

// skipping has no way to cut a call, and executes no text unprepared.
func skipping(c *fakedb.Conn) driver.Conn { return fakedb.Skipper(c) }

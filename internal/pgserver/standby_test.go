//go:build unix

package pgserver

import "testing"

func TestStandbyStreamsAndIsPromoted(t *testing.T) {
	primary := Run(t, Options{PasswordAuth: true, TLS: true})
	ctx := limited(t)
	must(t, primary.Exec(ctx, "CREATE TABLE kept (v int); INSERT INTO kept VALUES (1)"))
	standby, err := primary.StartStandby(ctx)
	must(t, err)
	t.Cleanup(func() { must(t, standby.Close()) })
	must(t, primary.Exec(ctx, "INSERT INTO kept VALUES (2)"))
	must(t, primary.WaitStreaming(ctx, standby))
	if got := one(t, standby.Console, "SELECT sum(v) FROM kept"); got != "3" {
		t.Errorf("the standby sees %s, want 3", got)
	}
	if err := standby.Exec(ctx, "INSERT INTO kept VALUES (0)"); err == nil {
		t.Error("the standby takes writes")
	}
	must(t, primary.KillPostmaster())
	must(t, standby.Promote(ctx))
	writer := NewConsole(standby.DSN("postgres"))
	must(t, writer.Exec(ctx, "INSERT INTO kept VALUES (4)"))
	if got := one(t, writer, "SELECT sum(v) FROM kept"); got != "7" {
		t.Errorf("after the promotion: %s, want 7", got)
	}
}

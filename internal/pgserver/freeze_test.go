//go:build unix

package pgserver

import (
	"os/exec"
	"testing"
)

// A zombie can be signalled but not killed: a caller that then waits for PostgreSQL to recover waits forever.
func TestFreezeTellsTheLivingFromTheDead(t *testing.T) {
	alive := exec.Command("sleep", "60")
	must(t, alive.Start())
	defer func() { _ = alive.Wait() }()
	defer func() { _ = alive.Process.Kill() }()
	if state, _ := processState(alive.Process.Pid); !freeze(alive.Process.Pid) {
		t.Errorf("a process that runs (%.1s) was not stopped", state)
	}

	dead := exec.Command("true")
	out, err := dead.StdoutPipe()
	must(t, err)
	must(t, dead.Start())
	_, _ = out.Read(make([]byte, 1)) // ends with the process
	if freeze(dead.Process.Pid) {
		t.Error("a zombie counts as alive")
	}
	must(t, dead.Wait())
	if freeze(dead.Process.Pid) {
		t.Error("a process that is gone counts as alive")
	}
}

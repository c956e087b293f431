//go:build unix

package pgserver

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
)

//go:embed watchdog.sh
var watchdogScript string

// watchdog is a shell that outlives this process just long enough to end the server and remove its folder. Linux's
// Pdeathsig looks simpler and is wrong here: it fires when the starting *thread* ends, which Go decides, it knows no folder
// to remove, and macOS does not have it.
type watchdog struct {
	cmd  *exec.Cmd
	life *os.File // closed by close, or by the kernel when this process ends
}

func startWatchdog(a account, dir string) (*watchdog, error) {
	// Both ends are close-on-exec, so no other child keeps the pipe open.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	defer func() { _ = read.Close() }()
	// No output: `go test` waits until every process that holds its standard output is gone.
	cmd := a.prepare(exec.Command("/bin/sh", "-c", watchdogScript, "pgserver-watchdog", dir))
	cmd.Stdin = read
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("pgserver: starting the watchdog: %w", err)
	}
	return &watchdog{cmd: cmd, life: write}, nil
}

// close lets the watchdog do its work now and waits for it.
func (w *watchdog) close() error {
	if err := w.life.Close(); err != nil {
		return err
	}
	_ = w.cmd.Wait() // its status is the last command's; what counts is whether the folder is gone
	return nil
}

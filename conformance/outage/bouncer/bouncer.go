//go:build unix

package bouncer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/sqlpool/go/conformance/outage/service"
)

// A Bouncer is a private PgBouncer. One goroutine at a time.
type Bouncer struct {
	program string
	dir     string
	port    int
	clients int
	life    *life // nil when it is down
}

// life is one run of the program.
type life struct {
	leash io.Closer     // closed, it ends the program, as does this process's death
	ended chan struct{} // the program and its shell are gone
}

// Start runs a PgBouncer in front of a PostgreSQL on a loopback port and returns
// when it listens. It takes that many clients at once (max_client_conn). The
// caller closes it. The error is ErrNoProgram on a machine without one.
func Start(ctx context.Context, upstream, clients int) (*Bouncer, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sqlpool-bouncer-")
	if err != nil {
		return nil, fmt.Errorf("bouncer: %w", err)
	}
	b := &Bouncer{program: program, dir: dir, clients: clients}
	if b.port, err = service.FreePort(); err == nil {
		err = os.Chmod(dir, 0o755) // it runs as another user
	}
	if err == nil {
		err = b.configure(upstream)
	}
	if err == nil {
		err = b.Up(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Port is where it listens, in each of its lives.
func (b *Bouncer) Port() int { return b.port }

// leashed runs a program that ends when the standard input of the shell does:
// killed, a test takes its bouncer with it.
const leashed = `"$@" </dev/null 2>&1 & exec >&- 2>&-; read _; kill -9 $!; wait`

// Up starts a bouncer that is down and returns when it listens.
func (b *Bouncer) Up(ctx context.Context) error {
	cmd := exec.Command("sh", "-c", leashed, "sh", b.program, b.config())
	who, err := service.Unprivileged()
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: who}
	cmd.Dir = "/"
	leash, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("bouncer: %w", err)
	}
	log, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("bouncer: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("bouncer: %w", err)
	}
	b.life = &life{leash: leash, ended: make(chan struct{})}
	up := make(chan error, 1)
	go func() {
		readLog(log, up)
		_ = cmd.Wait()
		close(b.life.ended)
	}()
	select {
	case err := <-up:
		return err
	case <-ctx.Done():
		return fmt.Errorf("bouncer: waiting for PgBouncer: %w", ctx.Err())
	}
}

// readLog reads the log to its end and says when the program is up, or what it
// said if it ended before.
func readLog(log io.Reader, up chan<- error) {
	var said strings.Builder
	lines := bufio.NewScanner(log)
	for ready := false; lines.Scan(); {
		switch {
		case ready:
		case strings.Contains(lines.Text(), "process up"):
			ready = true
			up <- nil
		default:
			said.WriteString(lines.Text() + "\n")
		}
	}
	select {
	case up <- fmt.Errorf("bouncer: PgBouncer ended; it said:\n%s", said.String()):
	default:
	}
}

// Kill ends it with SIGKILL and returns when it is gone. Killing one that is
// down does nothing.
func (b *Bouncer) Kill() error {
	if b.life == nil {
		return nil
	}
	err := b.life.leash.Close()
	<-b.life.ended
	b.life = nil
	return err
}

// Close kills it and removes its folder.
func (b *Bouncer) Close() error {
	err := b.Kill()
	return errors.Join(err, os.RemoveAll(b.dir))
}

package fleet_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

var long = flag.Duration("fleet.long", 0, "for how long processes come and go; by default once through all events")

const childEnv = "SQLPOOL_TEST_FLEET_MEMBER" // driver, a space, the connection string

// TestMemberProcess is the program of the processes that the next test starts. It reads
// "busy N", "status" and "leave" from its input.
func TestMemberProcess(t *testing.T) {
	name, dsn, ok := strings.Cut(os.Getenv(childEnv), " ")
	if !ok {
		return // it is a test by its name only
	}
	connector, err := connectors[name](dsn)
	if err != nil {
		t.Fatal(err)
	}
	f := fleet.New(fleet.Config{Group: "processes", MaxConns: 40, Interval: time.Second})
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: connector, MaxConns: 40, MinIdle: 1, SweepInterval: 200 * time.Millisecond, FailFastAfter: time.Minute, Hooks: []sqlpool.Hooks{f.Hooks()},
	})
	if err != nil {
		t.Fatal(err)
	}
	var busy, failed, served atomic.Int64
	for i := range 60 {
		go func() {
			for {
				if int64(i) >= busy.Load() {
					time.Sleep(20 * time.Millisecond)
					continue
				}
				loan, err := pool.Acquire(context.Background())
				if err != nil {
					if errors.Is(err, sqlpool.ErrClosed) {
						return
					}
					if failed.Add(1) == 1 {
						fmt.Fprintln(os.Stderr, "the first acquire that failed:", err)
					}
					continue
				}
				_ = loan.Conn().Exec(context.Background(), "SELECT pg_sleep(0.05)")
				_ = loan.Release()
				served.Add(1)
			}
		}()
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		word, rest, _ := strings.Cut(in.Text(), " ")
		switch word {
		case "busy":
			n, _ := strconv.Atoi(rest)
			busy.Store(int64(n))
		case "status":
			s := f.Status()
			fmt.Println("share", s.Share, len(s.Members), failed.Load(), served.Load(), s.Fresh)
		case "leave":
			_ = pool.Close()
			os.Exit(0)
		}
	}
	os.Exit(0)
}

type process struct {
	cmd  *exec.Cmd
	in   io.Writer
	out  *bufio.Scanner
	gone bool
}

func startMember(t *testing.T, driver, dsn string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestMemberProcess$")
	cmd.Env = append(os.Environ(), childEnv+"="+driver+" "+dsn)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(func() { p.end(syscall.SIGKILL) })
	return p
}

func (p *process) say(s string) { _, _ = io.WriteString(p.in, s+"\n") }

// end sends a signal that ends the process, or asks it to leave.
func (p *process) end(s syscall.Signal) {
	if p.gone {
		return
	}
	p.gone = true
	if s == 0 {
		p.say("leave")
	} else {
		_ = p.cmd.Process.Signal(s)
	}
	_ = p.cmd.Wait()
}

func (p *process) status() (share, members, failed, served int) {
	p.say("status")
	for p.out.Scan() {
		if _, err := fmt.Sscanf(p.out.Text(), "share %d %d %d %d", &share, &members, &failed, &served); err == nil {
			return share, members, failed, served
		}
	}
	return 0, 0, 0, 0
}

// Processes come, go, are stopped and die, and the server restarts, under uneven
// demand: its log of connections never has more than the limit, no call fails, and who
// needs connections has them.
func TestProcessesKeepTheLimit(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	dsn := server.DSN("postgres") + "&application_name=fleet"
	names := []string{"pgx", "pq"}
	started := 0
	start := func() *process {
		started++
		return startMember(t, names[started%2], dsn)
	}
	var all []*process
	until := func(what string, cond func() bool) {
		t.Helper()
		began := time.Now()
		for !cond() {
			if time.Since(began) > time.Minute {
				for i, p := range all {
					if !p.gone {
						share, members, failed, served := p.status()
						t.Logf("process %d: share %d, %d members, %d failed, %d served", i, share, members, failed, served)
					}
				}
				t.Fatalf("not within a minute: %s", what)
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Logf("%s: after %v", what, time.Since(began).Round(10*time.Millisecond))
	}
	has := func(p *process, least int) func() bool {
		return func() bool { share, _, _, _ := p.status(); return share >= least }
	}
	failures := 0
	gather := func(p *process) { _, _, failed, _ := p.status(); failures += failed }

	deadline := time.Now().Add(*long)
	for range 8 {
		all = append(all, start())
	}
	for round := 0; round == 0 || time.Now().Before(deadline); round++ {
		a, b, idle := all[0], all[1], all[2:]
		for _, p := range idle {
			p.say("busy 1")
		}
		a.say("busy 50")
		until("one is busy and the others lend", has(a, 24))
		b.say("busy 50")
		until("two in need have equal parts", func() bool { return has(a, 13)() && has(b, 13)() })
		if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		stopped := 2 * time.Second
		if *long > 0 {
			stopped = 10 * time.Second
		}
		time.Sleep(stopped) // not tuned: it is what happens
		if err := a.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		until("the one that was stopped goes on", has(a, 13))
		gather(b)
		b.end(syscall.SIGKILL)
		until("what the dead one had is shared", has(a, 24))
		gather(idle[0])
		idle[0].end(0)
		all = append([]*process{a, start()}, idle[1:]...)
		all[1].say("busy 50")
		until("a newcomer has its part", has(all[1], 13))
		mode := pgserver.Immediate
		if round%2 == 1 {
			mode = pgserver.Fast
		}
		if err := server.Restart(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		until("the shares are back after a restart", func() bool {
			for _, p := range all {
				if _, members, _, _ := p.status(); members != len(all) {
					return false
				}
			}
			return has(a, 13)() && has(all[1], 13)()
		})
		a.say("busy 0")
		all[1].say("busy 1")
		gather(a)
		a.end(0)
		all = append(all[1:], start(), start()) // what was busy is idle now
	}
	for _, p := range all {
		gather(p)
		p.end(0)
	}
	if failures > 0 {
		t.Errorf("%d acquires failed", failures)
	}
	peak, err := server.PeakBackends(t.Context(), pgserver.Mark{}, pgserver.Filter{Application: "fleet"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d processes, %d backends at most", started, peak)
	if peak > 40 {
		t.Errorf("%d backends at once, and the limit is 40", peak)
	}
}

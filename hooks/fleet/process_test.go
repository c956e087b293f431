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
	"slices"
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

// processInterval is short in make test; lengths of time are checked with the one that programs have.
var processInterval = map[bool]time.Duration{false: time.Second, true: fleet.DefaultInterval}[timed]

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
	f := fleet.New(fleet.Config{Group: "processes", MaxConns: 40, Interval: processInterval})
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
			fmt.Println("share", s.Share, len(s.Members), failed.Load(), served.Load(), pool.Stats().InUse, s.Read.UnixNano())
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

// state is what a process says of itself.
type state struct{ share, members, failed, served, inUse, read int }

func (p *process) state() (s state) {
	p.say("status")
	for p.out.Scan() {
		if _, err := fmt.Sscanf(p.out.Text(), "share %d %d %d %d %d %d", &s.share, &s.members, &s.failed, &s.served, &s.inUse, &s.read); err == nil {
			return s
		}
	}
	return state{}
}

// Processes come one by one and together, go, are stopped and die, the server restarts,
// and at the end a standby takes its place, all under uneven demand. The servers' logs
// of connections never have more than the limit, no call fails, and those who need
// connections have them.
func TestProcessesKeepTheLimit(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	standby, err := server.StartStandby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()
	dsn := fmt.Sprintf("postgres://postgres@127.0.0.1,127.0.0.1/postgres?sslmode=disable&target_session_attrs=read-write&application_name=fleet&port=%d,%d",
		server.TCP().Port, standby.TCP().Port)
	f := &processes{t: t, dsn: dsn}
	for range 8 {
		f.start()
	}
	deadline := time.Now().Add(*long)
	for round := 0; round == 0 || time.Now().Before(deadline); round++ {
		a, b := f.all[0], f.all[1]
		for _, p := range f.all { // one that needs no more than it has may keep a newcomer's one connection
			p.say("busy 2")
		}
		f.until("newcomers have what they need", 3, f.has(2, f.all...))
		for _, p := range f.all[1:] {
			p.say("busy 1")
		}
		a.say("busy 50")
		f.until("one is busy and the others lend", 2, f.has(23, a)) // 40, without room for 3 and 7 times a call and MinIdle
		b.say("busy 50")
		f.until("two in need have equal parts", 2, f.has(13, a, b))
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
		f.until("the one that was stopped goes on", 2, f.has(13, a))
		f.end(b, syscall.SIGKILL)
		f.until("what the dead one had is shared", 3, f.has(23, a))
		f.end(f.all[1], 0)
		c, d := f.start(), f.start()
		c.say("busy 50")
		d.say("busy 1")
		f.until("of two that come together to a full fleet each has its part", 3, func() bool { return f.has(13, a, c)() && f.has(1, d)() && f.meet() })
		mode := pgserver.Immediate
		if round%2 == 1 {
			mode = pgserver.Fast
		}
		if err := server.Restart(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		f.since = time.Now()
		f.until("the shares are back after a restart", 3, func() bool { return f.meet() && f.has(13, a, c)() })
		a.say("busy 0")
		c.say("busy 1")
		f.end(a, 0)
		f.start() // what was busy is idle now
	}
	f.all[0].say("busy 50")
	f.until("one is busy before the failover", 3, f.has(23, f.all[0]))
	peak := f.peak(server) // while it can be asked
	if err := server.Stop(t.Context(), pgserver.Immediate); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.since = time.Now()
	f.until("the shares are back on the promoted standby", 3, func() bool { return f.meet() && f.has(23, f.all[0])() })
	f.all[0].say("busy 1")
	f.all[1].say("busy 50")
	f.until("another one needs them", 2, f.has(23, f.all[1]))
	for len(f.all) > 0 {
		f.end(f.all[0], 0)
	}
	if f.failures > 0 {
		t.Errorf("%d acquires failed", f.failures)
	}
	peak = max(peak, f.peak(standby))
	t.Logf("%d processes, %d backends at most, %d calls served", f.started, peak, f.served)
	if peak > 40 || peak < 30 { // with less it would show nothing: 23 of one and 7 others were in use
		t.Errorf("%d backends at once, and the limit is 40", peak)
	}
}

// processes are the members that live.
type processes struct {
	t                         *testing.T
	dsn                       string
	all                       []*process
	started, failures, served int
	since                     time.Time // the server's last start
}

func (f *processes) start() *process {
	f.started++
	p := startMember(f.t, []string{"pgx", "pq"}[f.started%2], f.dsn)
	f.all = append(f.all, p)
	return p
}

// end ends a process by a signal, or has it leave.
func (f *processes) end(p *process, s syscall.Signal) {
	last := p.state()
	f.failures += last.failed
	f.served += last.served
	f.all = slices.DeleteFunc(f.all, func(other *process) bool { return other == p })
	p.end(s)
}

// timed has the lengths of time checked that docs/sizing.md promises, on a machine that
// has nothing else to do.
var timed = os.Getenv("SQLPOOL_TIMES") != ""

// until waits for what the processes bring about by themselves within so many intervals.
func (f *processes) until(what string, intervals int, cond func() bool) {
	f.t.Helper()
	began := time.Now()
	for !cond() {
		if time.Since(began) > time.Minute {
			for i, p := range f.all {
				f.t.Logf("process %d: %+v", i, p.state())
			}
			f.t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	took := time.Since(began)
	f.t.Logf("%s: after %v", what, took.Round(10*time.Millisecond))
	if timed && took > time.Duration(intervals)*processInterval {
		f.t.Errorf("%s: after %v, which is more than %d intervals", what, took, intervals)
	}
}

// has reports whether each has at least so many connections in use, within its share.
func (f *processes) has(least int, all ...*process) func() bool {
	return func() bool {
		for _, p := range all {
			if s := p.state(); s.share < least || s.inUse < least {
				return false
			}
		}
		return true
	}
}

// meet reports whether all see one another, as they are since the server's last start.
func (f *processes) meet() bool {
	for _, p := range f.all {
		if s := p.state(); s.members != len(f.all) || int64(s.read) < f.since.UnixNano() {
			return false
		}
	}
	return true
}

func (f *processes) peak(server *pgserver.Server) int {
	peak, err := server.PeakBackends(f.t.Context(), pgserver.Mark{}, pgserver.Filter{Application: "fleet"})
	if err != nil {
		f.t.Error(err)
	}
	return peak
}

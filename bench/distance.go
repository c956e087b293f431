package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/internal/relay"
)

// A farRelay stands between clients and a server. What either sends arrives at the other
// half of the distance later, as over a network with that round trip, and the turns of
// a conversation are counted: each is a round trip.
type farRelay struct {
	*relay.Relay
	half  time.Duration
	trips atomic.Int64
}

func listen(upstream string, distance time.Duration) (*farRelay, error) {
	r := &farRelay{half: distance / 2}
	var err error
	r.Relay, err = relay.Listen(upstream, r.converse)
	return r, err
}

func (r *farRelay) converse(l *relay.Link) {
	var answered atomic.Bool
	answered.Store(true)
	go r.carry(l.Server, l.Client, func() {
		if answered.Swap(false) {
			r.trips.Add(1)
		}
	})
	r.carry(l.Client, l.Server, func() { answered.Store(true) })
}

// parcel is what was read at once, and when it arrives.
type parcel struct {
	bytes []byte
	due   time.Time
}

// carry passes on what one end says until it has said everything.
func (r *farRelay) carry(to, from net.Conn, said func()) {
	parcels := make(chan parcel, 1024)
	go func() {
		defer close(parcels)
		for {
			b := make([]byte, 16<<10)
			n, err := from.Read(b)
			if n > 0 {
				said()
				parcels <- parcel{b[:n], time.Now().Add(r.half)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range parcels {
		if r.half > 0 {
			rest(time.Until(p.due))
		}
		if _, err := to.Write(p.bytes); err != nil {
			break
		}
	}
	_ = to.Close() // the other direction ends with it
	for range parcels {
	}
}

// distanceSetting has a process be a relay and nothing else: "host:port distance".
const distanceSetting = "SQLPOOL_BENCH_RELAY"

// ServeRelay makes this process a relay if it was started for that, and does not
// return then. The relay is a process of its own, so that its threads and timers are
// not the client's. Programs and tests that run a Report call it first.
func ServeRelay() {
	upstream, distance, ok := strings.Cut(os.Getenv(distanceSetting), " ")
	if !ok {
		return
	}
	d, err := time.ParseDuration(distance)
	if err == nil {
		var r *farRelay
		if r, err = listen(upstream, d); err == nil {
			fmt.Println(r.Port())
			_, err = io.Copy(io.Discard, os.Stdin) // until the process that asked for it ends
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: relay:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// relayProcess is a relay in a process of its own.
type relayProcess struct {
	cmd   *exec.Cmd
	stdin io.Closer
	port  int
	once  sync.Once
}

func startRelay(ctx context.Context, upstream string, distance time.Duration) (*relayProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %v", distanceSetting, upstream, distance))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &relayProcess{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = p.Close() // err says what matters
		return nil, fmt.Errorf("bench: the relay did not start: %w", err)
	}
	if p.port, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		return nil, joined(err, p.Close())
	}
	return p, nil
}

// Close ends the process.
func (p *relayProcess) Close() (err error) {
	p.once.Do(func() {
		_ = p.stdin.Close()
		err = p.cmd.Wait()
	})
	return err
}

func address(e pgserver.Endpoint) string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

// through is the way to the server through a relay.
func through(e pgserver.Endpoint, port int) string {
	e.Port = port
	return e.KeyValue("postgres")
}

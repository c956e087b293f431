//go:build unix

package pgserver

import (
	"net"
	"strconv"
	"testing"
	"time"
)

// A backend that was forked a moment before it is killed may hold the port a little longer than its log.
func TestARestartWaitsForItsPort(t *testing.T) {
	s := Run(t, Options{})
	ctx := limited(t)
	must(t, s.Stop(ctx, Fast))
	taken, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	must(t, err)
	time.AfterFunc(300*time.Millisecond, func() { _ = taken.Close() })
	must(t, s.Start(ctx))
	must(t, s.Exec(ctx, "SELECT 1"))
}

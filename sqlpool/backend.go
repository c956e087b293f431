package sqlpool

import (
	"database/sql/driver"
	"fmt"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
)

// Backend is the server's side of a connection, as the driver told of it after
// the dial. The zero value says nothing: not every driver tells.
type Backend struct {
	// PID is the server's process: what pg_stat_activity calls pid and
	// pg_terminate_backend takes. Through a pooler it is a number of the pooler's.
	PID uint32

	// Server is the address that the connection leads to: host and port, or the
	// path of a Unix socket.
	Server string

	// Role is "primary" or "standby", at the time of the dial: a standby that was
	// promoted since is still called one.
	Role string
}

// String is for one line of text: "pid 4711 on 10.0.0.5:5432, standby". It is
// empty for the zero value.
func (b Backend) String() string {
	text := ""
	if b.PID != 0 {
		text = fmt.Sprintf("pid %d", b.PID)
	}
	switch {
	case b.Server != "" && text != "":
		text += " on " + b.Server
	case b.Server != "":
		text = "on " + b.Server
	}
	if b.Role != "" && text != "" {
		text += ", " + b.Role
	}
	return text
}

// backendOf asks the driver's connection, after its dial. A driver that panics
// over it has said nothing.
func backendOf(inner driver.Conn) (b Backend) {
	c, ok := driverx.Find[interface {
		Backend() (pid uint32, server, role string)
	}](inner)
	if !ok {
		return Backend{}
	}
	var panicked error
	defer catch("Backend", &panicked)
	b.PID, b.Server, b.Role = c.Backend()
	return b
}

// Activity is what a connection that is lent is used for at an instant.
type Activity string

const (
	// ActivityUnknown: the driver does not tell, or the connection is not lent.
	ActivityUnknown Activity = ""

	// ActivityRunning: the server owes an answer, so the borrower waits for it.
	ActivityRunning Activity = "running"

	// ActivityIdle: the server has answered, so the connection waits for the
	// borrower: between two statements, or between two rows.
	ActivityIdle Activity = "idle in hand"
)

// Backend returns the server's side of the connection. Any goroutine.
func (c *ConnRef) Backend() Backend { return c.backend }

// Activity tells apart whether the server owes the connection an answer or not.
// It means something while the connection is lent. Any goroutine.
func (c *ConnRef) Activity() Activity {
	switch {
	case c.can.running == nil:
		return ActivityUnknown
	case c.can.running():
		return ActivityRunning
	}
	return ActivityIdle
}

// Sent counts the bytes that were sent to the server, or is zero when the driver
// does not tell: while it stands still, so does the borrower. Any goroutine.
func (c *ConnRef) Sent() uint64 {
	if c.can.sent == nil {
		return 0
	}
	return c.can.sent()
}

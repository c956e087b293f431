package sqlpool

import "github.com/sqlpool/go/sqlpool/internal/queue"

// waiter is one acquire in the queue.
type waiter = queue.Waiter[*Conn]

// The reasons why a wait ended without a connection.
const (
	endedByTimeout uint8 = iota + 1
	endedByTimeoutDialing
	endedByStall
	endedByOutage
	endedByClose
)

func endError(why uint8) error {
	switch why {
	case endedByTimeout, endedByTimeoutDialing:
		return ErrAcquireTimeout
	case endedByStall:
		return errImpatient
	case endedByOutage:
		return ErrUnavailable
	default:
		return ErrClosed
	}
}

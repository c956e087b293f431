package libpq

import "fmt"

// doubt returns the error of a call that has succeeded after lib/pq had asked the
// server to cancel it, or nil if the success stands.
//
// A COMMIT, or a statement outside a transaction, that waits for a synchronous
// standby ends that wait when it is cancelled: PostgreSQL then reports success
// with a warning (01000, "canceling wait for synchronous replication due to user
// request"), though a failover may lose what was written. The answer of a call
// that was asked to end and did not is the same without the warning. So its
// outcome is as unknown as that of a call whose answer was not waited for, and its
// caller, who gave up, is told that.
//
// What succeeds inside a transaction has no outcome yet.
func (c *conn) doubt() error {
	if c.copying != nil || c.status.IsValid() && c.status.Uint() != 'I' {
		return nil
	}
	return fmt.Errorf("libpq: the server reported success after it was asked to cancel, so the outcome is unknown: %w", c.guard.ended().Err())
}

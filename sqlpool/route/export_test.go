package route

import (
	"context"
	"database/sql/driver"
)

// Await waits until the servers stand as f wants.
func (r *Router) Await(ctx context.Context, f func(Snapshot) bool) error {
	return r.await(ctx, func() bool { return f(r.Snapshot()) })
}

// Reached reports whether both replicas may serve the context's session.
func (r *Router) Reached(ctx context.Context) bool {
	for _, s := range r.replicas() {
		if !markOf(ctx).session.hasReached(r, s) {
			return false
		}
	}
	return true
}

// PreparedOn returns on how many sessions a statement is prepared.
func PreparedOn(st driver.Stmt) int { return len(st.(*stmt).on) }

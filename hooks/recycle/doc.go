// Package recycle retires connections by age, by idle time, by use and by their
// errors.
//
// None of these hooks cuts a connection that is in use: a connection is judged
// when its loan ends and, while it is idle, at each sweep
// (sqlpool.Config.SweepInterval, 1 s by default). The reasons they give have the
// codes CodeMaxLifetime, CodeMaxIdleTime, CodeMaxUses and CodeError.
//
// An idle connection that MinIdle needs can still be lent until its replacement has
// been dialed, unless MaxConns leaves no room for both.
//
// The constructors panic for a limit that no connection can keep, because that is a
// mistake in the program.
package recycle

// The codes of the reasons, for sqlpool.ReasonCode and metrics.
const (
	CodeMaxLifetime = "max_lifetime"
	CodeMaxIdleTime = "max_idle_time"
	CodeMaxUses     = "max_uses"
	CodeError       = "error"
)

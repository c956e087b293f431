package sqlpool

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"
)

// A FieldError is one setting that cannot be used. Validate reports each of
// them inside one *multierror.Error.
type FieldError struct {
	Field  string // the field of Config, for example "MaxConns"
	Value  any    // what it was; never a secret
	Rule   string // what it must be
	Remedy string // what to do about it
}

// Error names the field, its value, the rule and the remedy.
func (e *FieldError) Error() string {
	return fmt.Sprintf("sqlpool: Config.%s is %v: %s; %s", e.Field, e.Value, e.Rule, e.Remedy)
}

// mostConns is the largest max_connections that a PostgreSQL server takes (MAX_BACKENDS
// of postmaster.h).
const mostConns = 1<<18 - 1

// tooManyConns is the error for a MaxConns that no server has.
func tooManyConns(n int) *FieldError {
	return &FieldError{"MaxConns", n, fmt.Sprintf("it must not exceed %d, the most connections that a PostgreSQL server takes", mostConns),
		"use this pool's part of the server's max_connections (docs/sizing.md)"}
}

// Validate reports every setting that cannot be used, all at once, as a
// *multierror.Error of *FieldError, or nil. It changes nothing and opens
// nothing. New calls it.
func (c Config) Validate() error {
	var problems *multierror.Error
	refuse := func(field string, value any, rule, remedy string) {
		problems = multierror.Append(problems, &FieldError{field, value, rule, remedy})
	}

	if c.Connector == nil {
		refuse("Connector", "nil", "a pool needs something that opens connections",
			"set it to pgxv5.Connector(dsn), libpq.Connector(dsn) or another driver.Connector")
	}
	for _, count := range []struct {
		field string
		value int
		zero  string
	}{
		{"MaxConns", c.MaxConns, "the default of 10"},
		{"MinIdle", c.MinIdle, "no idle connections kept"},
		{"MaxDialing", c.MaxDialing, "the default of 4"},
		{"MaxWaiters", c.MaxWaiters, "no limit"},
	} {
		if count.value < 0 {
			refuse(count.field, count.value, "it must not be negative", "use a positive number, or 0 for "+count.zero)
		}
	}
	for _, length := range []struct {
		field string
		value time.Duration
	}{
		{"AcquireTimeout", c.AcquireTimeout},
		{"ConnectTimeout", c.ConnectTimeout},
		{"PingAfter", c.PingAfter},
		{"PingTimeout", c.PingTimeout},
		{"StatementTimeout", c.StatementTimeout},
		{"RollbackTimeout", c.RollbackTimeout},
		{"CloseTimeout", c.CloseTimeout},
		{"ShutdownTimeout", c.ShutdownTimeout},
		{"SweepInterval", c.SweepInterval},
		{"FailFastAfter", c.FailFastAfter},
		{"Backoff.First", c.Backoff.First},
		{"Backoff.Max", c.Backoff.Max},
	} {
		if length.value < 0 {
			refuse(length.field, length.value, "a length of time must not be negative",
				"use a positive duration such as 5*time.Second, or 0 for the default")
		}
	}

	if c.MaxConns > mostConns {
		problems = multierror.Append(problems, tooManyConns(c.MaxConns))
	}
	d := c.withDefaults()
	if c.MaxConns >= 0 && c.MinIdle > d.MaxConns {
		refuse("MinIdle", c.MinIdle, fmt.Sprintf("it must not exceed MaxConns, which is %d", d.MaxConns),
			"lower MinIdle or raise MaxConns")
	}
	c.Backoff.validate(refuse)
	if c.Statements != StatementsPrepared && c.Statements != StatementsAsText {
		refuse("Statements", int(c.Statements), "it must be one of the named constants",
			"use StatementsPrepared or StatementsAsText")
	}
	return listed(problems)
}

// listed is the error of settings: a problem that is alone stands on one line.
func listed(problems *multierror.Error) error {
	if problems != nil {
		problems.ErrorFormat = func(all []error) string {
			if len(all) == 1 {
				return all[0].Error()
			}
			var b strings.Builder
			fmt.Fprintf(&b, "sqlpool: %d problems:", len(all))
			for _, err := range all {
				b.WriteString("\n\t* " + err.Error())
			}
			return b.String()
		}
	}
	return problems.ErrorOrNil()
}

// validate is Config.Validate for what is more than the sign of a length.
func (b Backoff) validate(refuse func(field string, value any, rule, remedy string)) {
	if d := b.withDefaults(); b.First >= 0 && b.Max >= 0 && d.First > d.Max {
		refuse("Backoff.First", d.First, fmt.Sprintf("it must not exceed Backoff.Max, which is %v", d.Max),
			"lower Backoff.First or raise Backoff.Max")
	}
	if b.Factor != 0 && !(b.Factor >= 1) { // NaN too
		refuse("Backoff.Factor", b.Factor, "a delay must not shrink from one dial to the next",
			"use 1 or more, or 0 for the default of 2")
	}
}

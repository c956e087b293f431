package sqlpool_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

const (
	fromZero     = "it must not be negative; use a positive number, or 0 for "
	fromServers  = "it must not exceed 262143, the most connections that a PostgreSQL server takes; use this pool's part of the server's max_connections (docs/sizing.md)"
	fromZeroTime = "a length of time must not be negative; use a positive duration such as 5*time.Second, or 0 for the default"
)

// wrongFields has one row for each way in which a Config can be wrong.
var wrongFields = []struct {
	field string
	set   func(*sqlpool.Config)
	says  string // after "sqlpool: Config."
}{
	{"Connector", func(c *sqlpool.Config) { c.Connector = nil },
		"Connector is nil: a pool needs something that opens connections; set it to pgxv5.Connector(dsn), libpq.Connector(dsn) or another driver.Connector"},
	{"MaxConns", func(c *sqlpool.Config) { c.MaxConns = -1 }, "MaxConns is -1: " + fromZero + "the default of 10"},
	{"MaxConns", func(c *sqlpool.Config) { c.MaxConns = 1 << 18 }, "MaxConns is 262144: " + fromServers},
	{"MaxConns", func(c *sqlpool.Config) { c.MaxConns, c.MinIdle = math.MaxInt, math.MaxInt }, "MaxConns is 9223372036854775807: " + fromServers},
	{"MinIdle", func(c *sqlpool.Config) { c.MinIdle = -2 }, "MinIdle is -2: " + fromZero + "no idle connections kept"},
	{"MinIdle", func(c *sqlpool.Config) { c.MaxConns, c.MinIdle = 3, 4 },
		"MinIdle is 4: it must not exceed MaxConns, which is 3; lower MinIdle or raise MaxConns"},
	{"MinIdle", func(c *sqlpool.Config) { c.MinIdle = 11 },
		"MinIdle is 11: it must not exceed MaxConns, which is 10; lower MinIdle or raise MaxConns"},
	{"MaxDialing", func(c *sqlpool.Config) { c.MaxDialing = -3 }, "MaxDialing is -3: " + fromZero + "the default of 4"},
	{"MaxWaiters", func(c *sqlpool.Config) { c.MaxWaiters = -4 }, "MaxWaiters is -4: " + fromZero + "no limit"},
	{"AcquireTimeout", func(c *sqlpool.Config) { c.AcquireTimeout = -time.Second }, "AcquireTimeout is -1s: " + fromZeroTime},
	{"ConnectTimeout", func(c *sqlpool.Config) { c.ConnectTimeout = -1 }, "ConnectTimeout is -1ns: " + fromZeroTime},
	{"PingAfter", func(c *sqlpool.Config) { c.PingAfter = -1 }, "PingAfter is -1ns: " + fromZeroTime},
	{"PingTimeout", func(c *sqlpool.Config) { c.PingTimeout = -1 }, "PingTimeout is -1ns: " + fromZeroTime},
	{"StatementTimeout", func(c *sqlpool.Config) { c.StatementTimeout = -1 }, "StatementTimeout is -1ns: " + fromZeroTime},
	{"RollbackTimeout", func(c *sqlpool.Config) { c.RollbackTimeout = -1 }, "RollbackTimeout is -1ns: " + fromZeroTime},
	{"CloseTimeout", func(c *sqlpool.Config) { c.CloseTimeout = -1 }, "CloseTimeout is -1ns: " + fromZeroTime},
	{"ShutdownTimeout", func(c *sqlpool.Config) { c.ShutdownTimeout = -1 }, "ShutdownTimeout is -1ns: " + fromZeroTime},
	{"SweepInterval", func(c *sqlpool.Config) { c.SweepInterval = -1 }, "SweepInterval is -1ns: " + fromZeroTime},
	{"FailFastAfter", func(c *sqlpool.Config) { c.FailFastAfter = -1 }, "FailFastAfter is -1ns: " + fromZeroTime},
	{"Backoff.First", func(c *sqlpool.Config) { c.Backoff.First = -1 }, "Backoff.First is -1ns: " + fromZeroTime},
	{"Backoff.Max", func(c *sqlpool.Config) { c.Backoff.Max = -1 }, "Backoff.Max is -1ns: " + fromZeroTime},
	{"Backoff.First", func(c *sqlpool.Config) { c.Backoff.First = time.Minute },
		"Backoff.First is 1m0s: it must not exceed Backoff.Max, which is 16s; lower Backoff.First or raise Backoff.Max"},
	{"Backoff.Factor", func(c *sqlpool.Config) { c.Backoff.Factor = 0.5 },
		"Backoff.Factor is 0.5: a delay must not shrink from one dial to the next; use 1 or more, or 0 for the default of 2"},
	{"Backoff.Factor", func(c *sqlpool.Config) { c.Backoff.Factor = math.NaN() },
		"Backoff.Factor is NaN: a delay must not shrink from one dial to the next; use 1 or more, or 0 for the default of 2"},
	{"Statements", func(c *sqlpool.Config) { c.Statements = 7 },
		"Statements is 7: it must be one of the named constants; use StatementsPrepared or StatementsAsText"},
}

func TestEachWrongFieldIsNamedWithItsRuleAndRemedy(t *testing.T) {
	for _, row := range wrongFields {
		cfg := sqlpool.Config{Connector: fakedb.Instant()}
		row.set(&cfg)
		err := cfg.Validate()
		var problems *multierror.Error
		if !errors.As(err, &problems) || len(problems.Errors) != 1 {
			t.Errorf("%s: got %v, want one problem", row.field, err)
			continue
		}
		if err.Error() != problems.Errors[0].Error() {
			t.Errorf("%s: one problem is not one line: %q", row.field, err)
		}
		var field *sqlpool.FieldError
		if !errors.As(problems.Errors[0], &field) || field.Field != row.field || field.Error() != "sqlpool: Config."+row.says {
			t.Errorf("%s: got  %v\nwant sqlpool: Config.%s", row.field, problems.Errors[0], row.says)
		}
		if p, err := sqlpool.New(cfg); err == nil || p != nil {
			t.Errorf("%s: New accepts what Validate refuses", row.field)
		}
	}
}

func TestAllWrongFieldsAreReportedAtOnce(t *testing.T) {
	cfg := sqlpool.Config{MaxConns: -1, AcquireTimeout: -1, Backoff: sqlpool.Backoff{Factor: 0.1}, Statements: -1}
	err := cfg.Validate()
	for _, field := range []string{"Connector", "MaxConns", "AcquireTimeout", "Backoff.Factor", "Statements"} {
		if !strings.Contains(err.Error(), "Config."+field+" is ") {
			t.Errorf("%s is missing in: %v", field, err)
		}
	}
	if n := len(err.(*multierror.Error).Errors); n != 5 || !strings.HasPrefix(err.Error(), "sqlpool: 5 problems:\n\t* sqlpool: Config.") {
		t.Errorf("%d problems, want 5: %v", n, err)
	}
}

func TestTheZeroConfigNeedsOnlyAConnector(t *testing.T) {
	p := newPool(t, sqlpool.Config{Connector: fakedb.Instant()})
	cfg := p.Config()
	if cfg.Name != "default" || cfg.MaxConns != 10 || cfg.AcquireTimeout != 30*time.Second || cfg.MaxDialing != 4 ||
		cfg.CloseTimeout != 500*time.Millisecond || cfg.Backoff.Max != 16*time.Second {
		t.Errorf("defaults: %+v", cfg)
	}
	cfg.Hooks = append(cfg.Hooks, sqlpool.Hooks{})
	if len(p.Config().Hooks) != 0 {
		t.Error("the pool's own configuration can be changed from outside")
	}
}

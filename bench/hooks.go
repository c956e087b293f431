package bench

import (
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/sqlpool"
)

func noHooks() []sqlpool.Hooks { return nil }

// leakCapture takes a stack of every loan.
func leakCapture() []sqlpool.Hooks {
	return []sqlpool.Hooks{leak.New(leak.Config{}).Hooks()}
}

// standardHooks are those that opening by name gives (package drivers).
func standardHooks() []sqlpool.Hooks {
	leaks := leak.New(leak.Config{})
	return []sqlpool.Hooks{
		recycle.MaxLifetime(time.Hour), recycle.MaxIdleTime(time.Minute), recycle.MaxUses(50_000),
		leaks.Hooks(), health.New(health.Config{Leaks: leaks}).Hooks(),
	}
}

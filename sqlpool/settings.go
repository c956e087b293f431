package sqlpool

import (
	"fmt"
	"strings"
	"time"
)

// A Setting is one setting of a pool in words, for people.
type Setting struct {
	Name   string // the field of Config, or the name by which it was set
	Value  string // never a secret
	Source string // "default", "program", or what else decided it
	Note   string // what is odd about it, and so perhaps not meant; as a rule empty
}

// The sources that the pool itself can tell.
const (
	SettingDefault = "default" // it is what the zero Config means
	SettingProgram = "program" // the program chose another value
	SettingResized = "resized" // Resize changed it since
)

// Settings returns the configuration in force, field by field. Where a field has
// its default value, the pool cannot tell whether it was chosen.
func (p *Pool) Settings() []Setting {
	now, begin, usual := p.Config(), p.cfg, Config{}.withDefaults()
	var all []Setting
	add := func(name string, value, usual any) {
		source := SettingProgram
		if value == usual {
			source = SettingDefault
		}
		all = append(all, Setting{Name: name, Value: fmt.Sprint(value), Source: source, Note: doubt(name, value)})
	}
	limit := func(name string, value, begin, usual int) {
		add(name, value, usual)
		if value != begin {
			all[len(all)-1].Source = SettingResized
		}
	}
	add("Name", now.Name, usual.Name)
	limit("MaxConns", now.MaxConns, begin.MaxConns, usual.MaxConns)
	limit("MinIdle", now.MinIdle, begin.MinIdle, usual.MinIdle)
	add("AcquireTimeout", now.AcquireTimeout, usual.AcquireTimeout)
	add("ConnectTimeout", now.ConnectTimeout, usual.ConnectTimeout)
	add("MaxDialing", now.MaxDialing, usual.MaxDialing)
	add("MaxWaiters", now.MaxWaiters, usual.MaxWaiters)
	add("PingAfter", now.PingAfter, usual.PingAfter)
	add("PingTimeout", now.PingTimeout, usual.PingTimeout)
	add("StatementTimeout", now.StatementTimeout, usual.StatementTimeout)
	add("RollbackTimeout", now.RollbackTimeout, usual.RollbackTimeout)
	add("CloseTimeout", now.CloseTimeout, usual.CloseTimeout)
	add("ShutdownTimeout", now.ShutdownTimeout, usual.ShutdownTimeout)
	add("SweepInterval", now.SweepInterval, usual.SweepInterval)
	add("Statements", now.Statements, usual.Statements)
	add("CacheQueries", now.CacheQueries, usual.CacheQueries)
	add("HideStatements", now.HideStatements, usual.HideStatements)
	add("Backoff.First", now.Backoff.First, usual.Backoff.First)
	add("Backoff.Max", now.Backoff.Max, usual.Backoff.Max)
	add("Backoff.Factor", now.Backoff.Factor, usual.Backoff.Factor)
	add("Backoff.NoJitter", now.Backoff.NoJitter, usual.Backoff.NoJitter)
	add("FailFastAfter", now.FailFastAfter, usual.FailFastAfter)
	add("Classify", chosen(now.Classify != nil), chosen(false))
	add("Hooks", len(now.Hooks), 0)
	return all
}

// doubt is the note about a timeout that bounds nothing. time.Duration(n)*time.Second
// with n in milliseconds compiles, and shows itself when the database is away.
func doubt(name string, value any) string {
	if d, ok := value.(time.Duration); ok && d >= time.Hour && strings.HasSuffix(name, "Timeout") {
		return fmt.Sprintf("%s is %v: a timeout of an hour or more is seldom meant", name, d)
	}
	return ""
}

func chosen(set bool) string {
	if set {
		return "the program's own"
	}
	return "the pool's table"
}

// String returns "prepared" or "text".
func (s Statements) String() string {
	if s == StatementsAsText {
		return "text"
	}
	return "prepared"
}

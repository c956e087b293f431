package debugui

import (
	"fmt"
	"path"

	"github.com/sqlpool/go/sqlpool"
)

// steps are what to do first about what is wrong, the gravest first: the page is
// read on a telephone at night too, by an engineer who has not seen it before.
func steps(v *View, s sqlpool.Snapshot) []string {
	all := []string{}
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	switch v.Status.Level {
	case Healthy, Starting:
		return all
	case Closed:
		say("The program has closed the pool: look for a shutdown, or a Close that comes too early.")
		return all
	}
	if s.State == sqlpool.StateDown || s.State == sqlpool.StateRetrying {
		say("On the program's machine, run: sqlpool check \"$DATABASE_URL\". It tells whether server, network or credentials are at fault.")
		say("Do not restart the program: the pool dials by itself and serves within a second of the server's return.")
	}
	if v.Paused {
		if v.Controls {
			say("Resume the pool: the button is under Controls on the page.")
		} else {
			say("Resume the pool: the program calls Pool.Resume.")
		}
	}
	leak := longestHeld(v.Holders, func(h Holder) bool { return h.Leaked })
	if leak != nil {
		say("%s was acquired%s and is not used: find out why it is not given back.%s", leak.name(), leak.by(), leak.end())
	}
	if s.Waiting > 0 && s.InUse >= s.MaxConns {
		if h := longestHeld(v.Holders, func(h Holder) bool { return !h.Leaked }); h != nil && h.HeldMS >= 1000 {
			doing := "is held for " + length(h.HeldMS)
			if h.Activity == string(sqlpool.ActivityRunning) {
				doing = "is held for " + length(h.HeldMS) + " and waits for the server"
			}
			say("%s %s: see Holders for its statement.%s", h.name(), doing, h.end())
		} else if leak == nil && h != nil {
			say("All %d connections are in use, and none for long: if the database has room, raise MaxConns (pool_max_conns).", s.MaxConns)
		}
	}
	return all
}

// longestHeld is the first holder that fits: the longest comes first.
func longestHeld(all []Holder, fits func(Holder) bool) *Holder {
	for i := range all {
		if fits(all[i]) {
			return &all[i]
		}
	}
	return nil
}

func (h Holder) name() string { return fmt.Sprintf("Connection %d", h.Conn) }

// by names the function that acquired it, and its line, as short as they are known
// by in the program's code. The whole path is among the Holders.
func (h Holder) by() string {
	switch {
	case len(h.Stack) > 0:
		f := h.Stack[0]
		return fmt.Sprintf(" by %s (%s:%d)", path.Base(f.Function), path.Join(path.Base(path.Dir(f.File)), path.Base(f.File)), f.Line)
	case h.Origin != "":
		return " by " + h.Origin
	}
	return ""
}

// end says what ends the loan, and how its session is ended on the server: that alone
// gives no connection back. A session that ended after its last use looks like one that
// is there, because only the goroutine that has the connection may look at its socket.
func (h Holder) end() string {
	text := ""
	if h.Broken != "" {
		text = fmt.Sprintf(" Its connection is broken (%s): only the goroutine that acquired it can give it back.", h.Broken)
	}
	switch {
	case h.PID == 0:
		return text
	case h.Broken != "", h.Suspect: // the number may be another session's by now
		return text + fmt.Sprintf(" The server may have lost its session, %d: look in pg_stat_activity before you end one of that number.", h.PID)
	}
	return fmt.Sprintf(" If the server still has its session, SELECT pg_terminate_backend(%d) ends it; the goroutine that acquired the connection must still give it back.", h.PID)
}

// words are an outage in one line.
func (o Outage) words() string {
	text := fmt.Sprintf("%s failed in %s", plural(uint64(o.Failures), "dial has", "dials have"), length(o.ForMS))
	if o.NextDialMS > 0 {
		return text + "; the next is in " + length(o.NextDialMS)
	}
	return text + "; one is under way"
}

// plural is a number with its noun.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

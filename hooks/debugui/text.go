package debugui

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// String is the page as plain text, for a terminal.
func (v View) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pool %s: %s since %s (%s)\n", v.Pool, strings.ToUpper(v.Status.Level), clock(v.Status.Since), ago(v.At, v.Status.Since))
	for _, r := range v.Status.Reasons {
		fmt.Fprintf(&b, "  %s\n", r)
	}
	if o := v.Outage; o != nil {
		fmt.Fprintf(&b, "  %s\n", o.Text)
	}
	for _, s := range v.Status.Steps {
		fmt.Fprintf(&b, "  → %s\n", s)
	}
	g := v.Gauges
	fmt.Fprintf(&b, "\n%d of %d connections open: %d in use, %d idle, %d dialing, %d closing; %s",
		g.Open, g.MaxConns, g.InUse, g.Idle, g.Dialing, g.Closing, plural(uint64(g.Waiting), "acquire waits", "acquires wait"))
	if g.Waiting > 0 {
		fmt.Fprintf(&b, ", the oldest for %s", length(g.OldestWaitMS))
	}
	b.WriteString("\n")
	c := v.Counters
	fmt.Fprintf(&b, "%s, %d of them waited; %d timed out, %d refused, %d unavailable, %d given up; %s, %d failed; generation %d\n",
		plural(c.Acquires, "acquire", "acquires"), c.Waits, c.Timeouts, c.Saturated, c.Unavailable, c.Canceled, plural(c.Dials, "dial", "dials"), c.DialErrors, c.Generation)

	table := func(title string, rows func(w *tabwriter.Writer)) {
		fmt.Fprintf(&b, "\n%s\n", title)
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		rows(w)
		_ = w.Flush() // into memory
	}
	if l := v.Latency; l != nil {
		table("THE LAST MINUTE", func(w *tabwriter.Writer) {
			fmt.Fprintln(w, "  \tp50\tp90\tp99\tmax\tcount")
			for _, q := range []struct {
				name string
				Quantiles
			}{{"acquire", l.Acquire}, {"held", l.Held}, {"dial", l.Dial}} {
				if q.Count == 0 {
					fmt.Fprintf(w, "  %s\t–\t–\t–\t–\t0\n", q.name)
					continue
				}
				fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%d\n", q.name, length(q.P50), length(q.P90), length(q.P99), length(q.Max), q.Count)
			}
		})
	}
	if f := v.Fleet; f != nil {
		table("FLEET "+f.Group, func(w *tabwriter.Writer) {
			fmt.Fprintf(w, "  %d of %s free\n", max(f.Free, 0), plural(uint64(f.Limit), "connection", "connections"))
			for _, m := range f.Members {
				name := fmt.Sprintf("%08x", m.ID)
				if m.Self {
					name += " (this pool)"
				}
				fmt.Fprintf(w, "  %s\t%d open\tshare %d\twants %d\n", name, m.Open, m.Share, m.Want)
			}
		})
	}
	if len(v.Conns) > 0 {
		table("CONNECTIONS", func(w *tabwriter.Writer) {
			for _, c := range v.Conns {
				state := c.State
				if c.Activity != "" {
					state += ", " + c.Activity
				}
				fmt.Fprintf(w, "  %d\t%s\tfor %s\tage %s\t%s\t%s\t%s\n", c.ID, strings.ReplaceAll(state, "_", " "), length(c.ForMS), length(c.AgeMS),
					plural(c.Loans, "loan", "loans"), plural(c.Uses, "statement", "statements"),
					sqlpool.Backend{PID: c.PID, Server: c.Server, Role: c.Role})
			}
		})
	}
	if len(v.Holders) > 0 {
		b.WriteString("\nHOLDERS\n")
		for _, h := range v.Holders {
			b.WriteString("  " + h.line() + "\n")
			for _, f := range h.Stack {
				fmt.Fprintf(&b, "      %s\n          %s:%d\n", f.Function, f.File, f.Line)
			}
		}
	}
	if len(v.Closes) > 0 {
		table("CLOSES BY REASON", func(w *tabwriter.Writer) {
			for _, c := range v.Closes {
				fmt.Fprintf(w, "  %s\t%d\n", c.Reason, c.Count)
			}
		})
	}
	if len(v.Events) > 0 {
		b.WriteString("\nEVENTS\n")
		for _, e := range v.Events {
			b.WriteString("  " + e.line() + "\n")
		}
	}
	table("CONFIGURATION", func(w *tabwriter.Writer) {
		for _, s := range v.Config {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", s.Name, s.Value, s.Source)
		}
	})
	for _, a := range v.Advice {
		fmt.Fprintf(&b, "  note: %s\n", a)
	}
	fmt.Fprintf(&b, "\n%s\n", v.Process)
	return b.String()
}

// String names the program in one line.
func (p Process) String() string {
	text := fmt.Sprintf("process %d on %s", p.PID, cmp.Or(p.Host, "a machine without a name"))
	if p.Program != "" {
		text += ", " + p.Program
	}
	if p.Version != "" {
		text += " " + p.Version
	}
	if p.Pool != "" {
		text += ", sqlpool " + p.Pool
	}
	return text + ", " + p.Go
}

func (h Holder) line() string {
	text := fmt.Sprintf("connection %d held for %s", h.Conn, length(h.HeldMS))
	if h.Leaked {
		text += ", TOO LONG"
	}
	switch {
	case h.IdleMS > 0:
		text += ", idle in hand for " + length(h.IdleMS)
	case h.Activity != "":
		text += ", " + h.Activity
	}
	if b := (sqlpool.Backend{PID: h.PID, Server: h.Server, Role: h.Role}).String(); b != "" {
		text += ", " + b
	}
	if h.Broken != "" {
		text += ", broken: " + h.Broken
	}
	if h.InTransaction {
		text += ", in a transaction"
	}
	if h.Statement != "" {
		text += ", last statement: " + h.Statement
	}
	if h.Origin != "" && len(h.Stack) == 0 {
		text += ", acquired at " + h.Origin
	}
	return text
}

func (e Event) line() string {
	text := clock(e.At) + "  " + strings.ReplaceAll(e.Kind, "_", " ")
	if e.Count > 1 {
		text += fmt.Sprintf(" ×%d until %s", e.Count, clock(e.Last))
	}
	if e.Conn > 0 {
		text += fmt.Sprintf(", connection %d", e.Conn)
	}
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

func clock(t time.Time) string { return t.Format("15:04:05") }

func ago(now, then time.Time) string { return length(ms(now.Sub(then))) }

// length is a length of time with as many digits as are useful.
func length(milliseconds float64) string {
	d := time.Duration(milliseconds * float64(time.Millisecond))
	switch {
	case d <= 0:
		return "0"
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

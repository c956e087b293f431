package main

import (
	"fmt"
	"io"
	"strings"
)

// reportWidth is how wide a paragraph of the report is.
const reportWidth = 100

// write prints the result for people.
func (r *checkResult) write(w io.Writer) error {
	var b strings.Builder
	for _, d := range r.Drivers {
		d.write(&b)
	}
	if r.Server != nil {
		r.Server.write(&b)
	}
	if r.Pooler != nil {
		r.Pooler.write(&b)
	}
	if r.Fleet != nil {
		writeFleet(&b, r.Fleet)
	}
	if len(r.Replicas) > 0 {
		writeReplicas(&b, r.Replicas)
	}
	if r.Server != nil || len(r.Advice) > 0 {
		b.WriteString("\nadvice\n")
		if len(r.Advice) == 0 {
			b.WriteString("  none: the settings fit\n")
		}
		for _, a := range r.Advice {
			fmt.Fprintf(&b, "  %-9s %s\n", a.Level, a.Setting)
			paragraph(&b, "            ", a.Why)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (d *driverCheck) write(b *strings.Builder) {
	title := driverTitles[d.Driver]
	if d.Error != "" {
		fmt.Fprintf(b, "%-7s cannot connect\n", title)
		paragraph(b, "        ", d.Error)
		paragraph(b, "        ", d.Remedy)
		return
	}
	fmt.Fprintf(b, "%-7s connects in %.1f ms; SELECT 1 takes %.2f ms (p95 %.2f, max %.2f); %s\n",
		title, d.ConnectMS, d.Latency.P50, d.Latency.P95, d.Latency.Max, d.TLS)
}

// String says how a connection is protected.
func (t *tlsCheck) String() string {
	switch {
	case t == nil:
		return "TLS is not told"
	case !t.On && t.Local:
		return "no TLS, on this machine"
	case !t.On:
		return "no TLS"
	case t.Verified == "":
		return t.Version
	}
	text := fmt.Sprintf("%s, %s verified", t.Version, t.Verified)
	if t.Expires != "" {
		text += ", certificate until " + t.Expires
	}
	return text
}

func (s *serverCheck) write(b *strings.Builder) {
	kind := "primary"
	if s.Standby {
		kind = "standby"
	}
	version, _, _ := strings.Cut(s.Version, " ") // the rest is who built it
	fmt.Fprintf(b, "\nserver  PostgreSQL %s, %s; role %q, database %q\n", version, kind, s.Role, s.Database)
	usable, bound := s.usable()
	fmt.Fprintf(b, "        %d connections may be used (%s), %d are\n", usable, bound, s.Used)
	for _, name := range []string{"statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"} {
		if _, told := s.Settings[name]; !told {
			continue
		}
		value := "off"
		if limit := s.limit(name); limit > 0 {
			value = limit.String()
		}
		fmt.Fprintf(b, "        %s %s\n", name, value)
	}
	for _, note := range s.Notes {
		paragraph(b, "        ", note)
	}
	if len(s.Users) > 0 {
		fmt.Fprintf(b, "\n        %-16s %-16s %-24s %5s %7s %8s\n", "role", "database", "application", "conns", "active", "idle tx")
	}
	unknown := 0
	for _, u := range s.Users {
		fmt.Fprintf(b, "        %-16s %-16s %-24s %5d %7d %8d\n",
			shorten(u.Role, 16), shorten(u.Database, 16), shorten(u.Application, 24), u.Connections, u.Active, u.InIdleTx)
		unknown += u.StateUnknown
	}
	if unknown > 0 {
		fmt.Fprintf(b, "        what %d of them do is shown to members of pg_monitor only\n", unknown)
	}
}

func (f *poolerCheck) write(b *strings.Builder) {
	if !f.Present {
		fmt.Fprintf(b, "\npooler  none seen: %s\n", f.How)
		return
	}
	product := f.Product
	if product == "" {
		product = "a pooler"
	}
	fmt.Fprintf(b, "\npooler  %s in %s mode; prepared statements follow a client: %s\n", product, f.Mode, f.Prepared)
	paragraph(b, "        ", f.How)
	for _, name := range consoleSettings {
		if value, ok := f.Config[name]; ok && value != "" {
			fmt.Fprintf(b, "        %s %s\n", name, value)
		}
	}
}

// paragraph writes text in lines of a readable length.
func paragraph(b *strings.Builder, indent, text string) {
	width := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case width == 0:
			b.WriteString(indent)
			width = len(indent)
		case width+1+len(word) > reportWidth:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	if width > 0 {
		b.WriteByte('\n')
	}
}

// shorten cuts what does not fit its column.
func shorten(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}

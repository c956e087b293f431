package byname

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/drivers/internal/stray"
)

// config reads the settings and makes the standard assembly of them, or says
// all that is wrong with them and with the connection string.
func (d *named) config(dsn string, opts ...Option) (*assembled, error) {
	r := &reading{assembly: standard(), given: map[*setting]given{}, bad: map[*setting]bool{}}
	source := SourceDSN
	if strings.TrimSpace(dsn) == "" {
		if url := os.Getenv("DATABASE_URL"); url != "" {
			dsn, source = url, SourceDatabaseURL
		}
	}
	o := collect(opts)
	if err := o.misdirected(d); err != nil {
		return nil, err
	}
	r.problems = o.problems
	for _, g := range o.settings {
		r.option(g)
	}
	rest, params, err := d.dialect.split(dsn)
	if err != nil {
		var bad *SettingError
		if errors.As(err, &bad) {
			bad.Source = source
		}
		return nil, problems{err}.err()
	}
	for _, p := range params {
		r.param(p, source)
	}
	r.environment()
	r.together()

	o.eager = r.assembly.eager
	cfg := &r.assembly.cfg
	if cfg.Connector, err = d.connect(dsn, rest, o); err != nil {
		r.problems.add(err)
	}
	replicas := r.replicas(func(h *onehost.Host) (driver.Connector, error) { return d.connector(rest, h, o) })
	if err := r.problems.err(); err != nil {
		return nil, err
	}
	done := r.assembly.assemble()
	for i := range replicas {
		done.replicas = append(done.replicas, replicas[i].assemble())
	}
	told := r.told()
	for _, server := range done.servers() {
		server.settings = told
		for _, hooks := range o.hooks {
			server.Hooks = append(server.Hooks, hooks(server.handle())...)
		}
	}
	return done, nil
}

// connect gives the driver what is left of the connection string. When that
// cannot be parsed, the error is the one for the whole string: the adapter keeps
// passwords out of its errors, and for that it must see where they may stand. In
// "postgres://u:se?pool_cret@h" half of one goes for a parameter.
func (d *named) connect(dsn, rest string, o *options) (driver.Connector, error) {
	connector, err := d.connector(rest, nil, o)
	if err == nil {
		return connector, nil
	}
	if left := (*stray.Error)(nil); errors.As(err, &left) { // none is left in the string
		return nil, fmt.Errorf("drivers: the service file has %s: settings of the pool are read from the connection string and the "+
			"environment, not from a service file; move them there (docs/settings.md)", left.Names)
	}
	if rest == dsn {
		return nil, err
	}
	if _, whole := d.connector(dsn, nil, o); whole != nil {
		return nil, whole
	}
	return nil, errNotParsed
}

// errNotParsed is for a string that a driver takes with our settings in it and
// not without. None is known.
var errNotParsed = errors.New("drivers: the connection string cannot be parsed without its pool settings")

// reading is one call's way from texts to an assembly.
type reading struct {
	assembly assembly
	given    map[*setting]given
	bad      map[*setting]bool // given, and wrong by itself
	problems problems
}

// given is how a setting was given.
type given struct{ name, source, text string }

// param takes one parameter of the connection string.
func (r *reading) param(p param, source string) {
	if s := bare(p.name); s != nil {
		r.problems.add(&SettingError{ // of "u:se?name=cret@h" it would be half the password
			Name: p.name, Source: source, Value: notShown,
			Rule: "neither the driver nor the server has such a parameter", Remedy: "write " + prefix + strings.ToLower(p.name),
		})
		return
	}
	s := byName(p.name)
	if s == nil {
		unknown := &SettingError{
			Name: harmless(p.name), Source: source, Value: harmless(p.value),
			Rule: "no setting has this name", Remedy: suggest(p.name),
		}
		if p.behind { // of "?password=correct&pool_horse=staple" both are of the password
			unknown.Name, unknown.Value = stray.Shown(p.name), notShown
		}
		r.problems.add(unknown)
		return
	}
	before, twice := r.given[s]
	if twice && before.source == SourceOption {
		return // it wins
	}
	if twice {
		rule := "it is given twice"
		if before.name != p.name {
			rule = "it is the same setting as " + before.name + ", which is given too"
		}
		r.bad[s] = true
		r.problems.add(&SettingError{
			Name: p.name, Source: source, Value: s.shown(p.value), Rule: rule, Remedy: "keep one of the two",
		})
		return
	}
	r.set(s, given{p.name, source, p.value})
}

// environment takes what the connection string has left open. An empty
// variable counts as none, as PG* variables do.
func (r *reading) environment() {
	for i := range settings {
		s := &settings[i]
		if _, has := r.given[s]; has {
			continue
		}
		for _, name := range s.variables() {
			if text := strings.TrimSpace(os.Getenv(name)); text != "" {
				r.variable(s, given{name, SourceEnvironment, text})
			}
		}
	}
}

// variable takes one variable of a setting. There may be another, left behind
// where a deployment was renamed by halves: whichever won, the other one would be changed one day,
// without effect.
func (r *reading) variable(s *setting, g given) {
	before, twice := r.given[s]
	switch {
	case !twice:
		r.set(s, g)
	case !s.same(before.text, g.text):
		r.bad[s] = true
		r.problems.add(&SettingError{
			Name: g.name, Source: g.source, Value: s.shown(g.text),
			Rule: "it is the same setting as " + before.name + ", which is " + quoted(s.shown(before.text)), Remedy: "unset one of the two",
		})
	}
}

// same reports whether two texts are one value, as 30 and 30s are.
func (s *setting) same(a, b string) bool {
	one, two := standard(), standard()
	return a == b || s.value.set(&one, a) && s.value.set(&two, b) && s.value.get(&one) == s.value.get(&two)
}

func (r *reading) set(s *setting, g given) {
	r.given[s] = g
	if s.value.set(&r.assembly, g.text) {
		return
	}
	r.bad[s] = true
	defaults := standard()
	r.problems.add(&SettingError{
		Name: g.name, Source: g.source, Value: s.shown(g.text), Rule: "it must be " + s.value.rule,
		Remedy: fmt.Sprintf("write for example %s=%s, or leave it out for the default (%s)", g.name, s.value.example, s.value.get(&defaults)),
	})
}

// together checks what can only be judged when all settings are known.
func (r *reading) together() {
	a := &r.assembly
	if _, chosen := r.given[byName("pool_max_conns")]; !chosen && a.fleet.MaxConns > 0 {
		a.cfg.MaxConns = a.fleet.MaxConns // what the others leave to it
	}
	if _, chosen := r.given[byName("pool_min_idle")]; !chosen {
		a.cfg.MinIdle = min(a.cfg.MinIdle, a.cfg.MaxConns)
	}
	for _, e := range fieldErrors(a.cfg) {
		if s := byField(e.Field); s != nil {
			r.contradiction(s, inSettings(e.Rule), inSettings(e.Remedy))
		}
	}
	if a.jitter > a.lifetime {
		lifetime := byName("pool_max_conn_lifetime")
		r.contradiction(byName("pool_max_conn_lifetime_jitter"),
			fmt.Sprintf("it must not exceed %s, which is %s", lifetime.name, lifetime.value.get(a)),
			"lower it or raise "+lifetime.name)
	}
}

// contradiction reports a setting that does not go with another. If one of them
// is wrong by itself, it is not known whether they would.
func (r *reading) contradiction(s *setting, rule, remedy string) {
	for bad := range r.bad {
		if bad == s || strings.Contains(rule, bad.name) {
			return
		}
	}
	r.problems.add(r.objection(s, rule, remedy))
}

// objection is the error of a setting whose value as such is right.
func (r *reading) objection(s *setting, rule, remedy string) *SettingError {
	g, ok := r.given[s]
	if !ok {
		g = given{s.name, SourceDefault, ""}
	}
	return &SettingError{Name: g.name, Source: g.source, Value: s.shown(s.value.get(&r.assembly)), Rule: rule, Remedy: remedy}
}

package byname

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// An Option of Open and Config says what a connection string cannot.
type Option func(*options)

// options is what the options of one call ask for.
type options struct {
	settings  []given
	hooks     []func(*Handle) []sqlpool.Hooks
	connector map[string][]any // of the connectors, by the names of their drivers
	eager     bool             // the setting pool_begin, which is a connector's
	problems  problems
}

// Setting gives a setting of docs/settings.md a value of the program's own, by its
// name in a connection string ("pool_max_conns"): a number, a time.Duration, a bool or
// a string. It wins over the connection string and the environment, and is checked as
// they are.
func Setting(name string, value any) Option {
	return func(o *options) {
		var text string
		switch v := value.(type) {
		case string:
			text = v
		case bool:
			text = strconv.FormatBool(v)
		case time.Duration:
			text = v.String()
		case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
			text = fmt.Sprint(v)
		case float64:
			text = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			o.problems.add(&SettingError{
				Name: name, Source: SourceOption, Value: notShown, Rule: fmt.Sprintf("a value of a setting cannot be a %T", value),
				Remedy: "give a number, a time.Duration, a bool or a string",
			})
			return
		}
		o.settings = append(o.settings, given{name, SourceOption, text})
	}
}

// WithHooks adds hooks behind the standard ones, to the pool of each server: those that can
// serve one pool only, as those of the live page, of metrics, health and slogger, need
// WithHooksOf where there are replicas.
func WithHooks(hooks ...sqlpool.Hooks) Option {
	return WithHooksOf(func(*Handle) []sqlpool.Hooks { return hooks })
}

// WithHooksOf adds hooks that f makes of the handle: those of the live page, which
// shows the health monitor, the leak detector and the settings. The handle's Pool and
// DB are not there yet. With pool_replicas f is called for each server, the primary first.
func WithHooksOf(f func(h *Handle) []sqlpool.Hooks) Option {
	return func(o *options) { o.hooks = append(o.hooks, f) }
}

// ConnectorOptions gives options to the connector of a driver. It is an error for any
// other driver. A program calls pgxv5.Options or libpq.Options, which know the type O
// that belongs to the name.
func ConnectorOptions[O any](driverName string, opts ...O) Option {
	return func(o *options) {
		for _, opt := range opts {
			o.connector[driverName] = append(o.connector[driverName], opt)
		}
	}
}

// optionsFor returns the options for a connector.
func optionsFor[O any](o *options, driverName string) []O {
	var opts []O
	for _, opt := range o.connector[driverName] {
		opts = append(opts, opt.(O))
	}
	return opts
}

func collect(opts []Option) *options {
	o := &options{connector: map[string][]any{}}
	for _, opt := range opts {
		opt(o)
	}
	return o
}

// misdirected is an error if there are options for another driver.
func (o *options) misdirected(d *named) error {
	for name := range o.connector {
		if d.name != name {
			return fmt.Errorf("drivers: there are options for the connector of %q, and the driver is %q: use the options of that one", name, d.name)
		}
	}
	return nil
}

// option takes one setting of the options. A later one of the same name wins.
func (r *reading) option(g given) {
	s := byName(strings.ToLower(g.name))
	if s == nil {
		r.problems.add(&SettingError{
			Name: harmless(g.name), Source: g.source, Value: harmless(g.text), Rule: "no setting has this name", Remedy: suggest(g.name),
		})
		return
	}
	r.set(s, g)
}

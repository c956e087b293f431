package libpq

import (
	"maps"
	"net/netip"

	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/drivers/internal/secret"
	"github.com/sqlpool/go/drivers/internal/stray"
	"github.com/sqlpool/go/drivers/internal/wire"
)

// parse reads a connection string without its secrets in an error.
func parse(dsn string) (pq.Config, error) {
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		return cfg, secret.Scrub(dsn, err)
	}
	if err := stray.Settings("sqlpool-pq", cfg.Runtime); err != nil {
		return cfg, err
	}
	_, err = wire.TakeTCP(maps.Clone(cfg.Runtime))
	return cfg, err
}

// parse reads the connection string of a connector, whose options may have it lead to another server. Lib/pq looks for the
// host's password, and makes its TLS, when it connects.
func (c *connector) parse() (pq.Config, error) {
	cfg, err := parse(c.dsn)
	if err != nil || c.at == nil {
		return cfg, err
	}
	hosts := []onehost.Host{hostOf(cfg.Host, cfg.Hostaddr, cfg.Port)}
	for _, m := range cfg.Multi {
		hosts = append(hosts, hostOf(m.Host, m.Hostaddr, m.Port))
	}
	h, err := c.at.Beside(hosts)
	if err != nil {
		return cfg, err
	}
	cfg.Host, cfg.Hostaddr, cfg.Port, cfg.Multi = h.Name, netip.Addr{}, h.Port, nil
	cfg.TargetSessionAttrs = pq.TargetSessionAttrsAny
	return cfg, nil
}

func hostOf(name string, address netip.Addr, port uint16) onehost.Host {
	if address != (netip.Addr{}) {
		name = address.String()
	}
	return onehost.Host{Name: name, Port: port}
}

// Address is the one server that the options lead to, or empty without such an option.
func (c *connector) Address() string {
	if c.at == nil {
		return ""
	}
	cfg := c.source.Last()
	return onehost.Host{Name: cfg.Host, Port: cfg.Port}.String()
}

// at leads to a server that the connection string need not name, in place of its hosts, and of whatever kind. Port 0 is the
// string's.
func at(host string, port uint16) Option {
	return func(c *connector) { c.at = &onehost.Host{Name: host, Port: port} }
}

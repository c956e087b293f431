package pgxv5

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sqlpool/go/drivers/internal/wire"
)

// order puts the hosts of cfg, and the addresses that a name leads to, in the order in
// which they are asked: those that were silent a short time ago last. It returns what
// is to be called with each address that does not answer in time.
func (c *connector) order(cfg *pgx.ConnConfig) (onSilent func(address string)) {
	all := append([]*pgconn.FallbackConfig{{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig}}, cfg.Fallbacks...)
	all = wire.Last(all, func(f *pgconn.FallbackConfig) bool { return c.silent.Has(hostPort(f.Host, f.Port)) })
	cfg.Host, cfg.Port, cfg.TLSConfig, cfg.Fallbacks = all[0].Host, all[0].Port, all[0].TLSConfig, all[1:]

	// pgx dials addresses, not names: what each host was resolved to is kept here.
	var mu sync.Mutex
	resolved := map[string][]string{}
	lookup := cfg.LookupFunc
	cfg.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		found, err := lookup(ctx, host)
		mu.Lock()
		defer mu.Unlock()
		var ports []uint16 // one, as a rule
		for _, f := range all {
			if f.Host == host && !slices.Contains(ports, f.Port) {
				ports = append(ports, f.Port)
				for _, ip := range found {
					resolved[hostPort(host, f.Port)] = append(resolved[hostPort(host, f.Port)], address(ip, f.Port))
				}
			}
		}
		return wire.Last(found, func(ip string) bool {
			return !slices.ContainsFunc(ports, func(port uint16) bool { return !c.silent.Has(address(ip, port)) })
		}), err
	}
	return func(dialed string) {
		mu.Lock()
		defer mu.Unlock()
		c.silent.Note(dialed)
		for name, addresses := range resolved {
			if slices.Contains(addresses, dialed) && !slices.ContainsFunc(addresses, func(a string) bool { return !c.silent.Has(a) }) {
				c.silent.Note(name)
			}
		}
	}
}

// address is what pgx dials for one result of a lookup, which may name a port itself.
func address(ip string, port uint16) string {
	if _, _, err := net.SplitHostPort(ip); err == nil {
		return ip
	}
	return hostPort(ip, port)
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

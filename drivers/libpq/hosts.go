package libpq

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"

	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/internal/wire"
)

// order puts the hosts of cfg in the order in which they are asked: those that were
// silent a short time ago last. With load_balance_hosts the order is drawn here, where
// lib/pq would draw it anew.
func (c *connector) order(cfg *pq.Config) {
	if len(cfg.Multi) == 0 {
		return
	}
	all := append([]pq.ConfigMultihost{{Host: cfg.Host, Hostaddr: cfg.Hostaddr, Port: cfg.Port}}, cfg.Multi...)
	if cfg.LoadBalanceHosts == pq.LoadBalanceHostsRandom {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		cfg.LoadBalanceHosts = pq.LoadBalanceHostsDisable
	}
	all = wire.Last(all, func(h pq.ConfigMultihost) bool { return c.silent.Has(address(h)) })
	cfg.Host, cfg.Hostaddr, cfg.Port, cfg.Multi = all[0].Host, all[0].Hostaddr, all[0].Port, all[1:]
}

// address is what lib/pq dials for a host that is not a Unix socket.
func address(h pq.ConfigMultihost) string {
	host := h.Host
	if h.Hostaddr != (netip.Addr{}) {
		host = h.Hostaddr.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(h.Port)))
}

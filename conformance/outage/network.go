//go:build unix

package outage

import (
	"context"
	"fmt"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Network is what lies between callers and server: a toxiproxy in this process.
type Network struct{ proxy *toxiproxy.Proxy }

// newNetwork starts a proxy to upstream on a free loopback port.
func newNetwork(upstream string) (*Network, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "network", "127.0.0.1:0", upstream)
	if err := proxy.Start(); err != nil {
		return nil, fmt.Errorf("outage: toxiproxy: %w", err)
	}
	return &Network{proxy}, nil
}

// Port is where the proxy listens, whether or not it is cut.
func (n *Network) Port() int {
	var port int
	_, _ = fmt.Sscanf(n.proxy.Listen, "127.0.0.1:%d", &port)
	return port
}

// Cut closes every connection and refuses new ones until Mend.
func (n *Network) Cut() { n.proxy.Stop() }

// Mend ends a Cut.
func (n *Network) Mend() error { return n.proxy.Start() }

// Silence has the network accept connections and pass nothing in either
// direction, for open and for new ones, until Clear, which closes them.
func (n *Network) Silence() error {
	if err := n.add(`{"name": "up", "type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`); err != nil {
		return err
	}
	return n.add(`{"name": "down", "type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`)
}

// Drip has the network pass one byte of the server's answers every 20 ms, until
// Clear.
func (n *Network) Drip() error {
	return n.add(`{"name": "drip", "type": "slicer", "stream": "downstream",
		"attributes": {"average_size": 1, "size_variation": 0, "delay": 20000}}`)
}

// Clear ends a Silence or a Drip.
func (n *Network) Clear() { n.proxy.Toxics.ResetToxics(context.Background()) }

func (n *Network) add(toxic string) error {
	if _, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		return fmt.Errorf("outage: toxiproxy: %w", err)
	}
	return nil
}

func (n *Network) close() error {
	n.proxy.Stop()
	return nil
}

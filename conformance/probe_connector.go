package conformance

import (
	"context"
	"database/sql/driver"
)

// Connector puts the probe in front of a connector.
func (p *Probe) Connector(inner driver.Connector) driver.Connector { return probedConnector{p, inner} }

type probedConnector struct {
	probe *Probe
	inner driver.Connector
}

// Connect implements driver.Connector.
func (c probedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	var inner driver.Conn
	id, err := c.probe.Dial(ctx, func(ctx context.Context) (err error) {
		inner, err = c.inner.Connect(ctx)
		return err
	})
	if err != nil {
		if id > 0 { // the rule wants the dial to look failed
			_ = inner.Close()
			c.probe.Closed(id)
		}
		return nil, err
	}
	return &probedConn{probe: c.probe, id: id, inner: inner}, nil
}

// Driver implements driver.Connector.
func (c probedConnector) Driver() driver.Driver { return c.inner.Driver() }

// ReadWrite passes on what sqlpool asks a connector.
func (c probedConnector) ReadWrite() bool {
	inner, ok := c.inner.(interface{ ReadWrite() bool })
	return ok && inner.ReadWrite()
}

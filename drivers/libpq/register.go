package libpq

import "github.com/sqlpool/go/drivers/byname"

func init() { byname.Register(byname.PQ, Connector, EagerBegin(), at) }

// Options gives options to the connector of a database that byname.Open or
// drivers.Open opens on lib/pq, for example BeforeConnect for a password that expires. It is
// an error for any other driver.
func Options(opts ...Option) byname.Option { return byname.ConnectorOptions(byname.PQ, opts...) }

package pgxv5

import (
	"database/sql/driver"
	"testing"

	"github.com/sqlpool/go/drivers/internal/contract"
	"github.com/sqlpool/go/internal/pgserver"
)

var _ contract.Conn = (*conn)(nil)

func TestContract(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{TLS: true})
	contract.Run(t, server, func(dsn string) (driver.Connector, error) { return Connector(dsn) })
}

func BenchmarkContract(b *testing.B) {
	contract.Bench(b, pgserver.Run(b, pgserver.Options{}).Socket().KeyValue("postgres"), func(dsn string) (driver.Connector, error) {
		return Connector(dsn)
	})
}

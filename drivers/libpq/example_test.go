package libpq_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/byname"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/sqlpool"
)

func ExampleConnector() {
	connector, err := libpq.Connector("host=db1.example,db2.example user=app dbname=orders target_session_attrs=read-write")
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, Name: "orders", MaxConns: 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	fmt.Println(pool.Stats().State) // nothing is dialed before somebody asks
	// Output:
	// starting
}

// A password that expires is fetched before each connect.
func ExampleBeforeConnect() {
	vault := func(context.Context) (string, error) { return "", errors.New("the vault is sealed") }
	connector, err := libpq.Connector("postgres://app@db.example/orders",
		libpq.BeforeConnect(func(ctx context.Context, cfg *pq.Config) (err error) {
			cfg.Password, err = vault(ctx)
			return err
		}))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = connector.Connect(context.Background())
	fmt.Println(err)
	// Output:
	// libpq: connect: BeforeConnect: the vault is sealed
}

// tunnel is a net.Dialer that goes through something.
type tunnel struct{ err error }

func (t tunnel) DialContext(context.Context, string, string) (net.Conn, error) { return nil, t.err }

// The database is behind a tunnel that the program holds.
func ExampleWithDialer() {
	closed := errors.New("the tunnel is closed")
	connector, err := libpq.Connector("postgres://app@10.0.0.5/orders?sslmode=disable", libpq.WithDialer(tunnel{closed}))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = connector.Connect(context.Background())
	fmt.Println(errors.Is(err, closed))
	// Output:
	// true
}

// A program that imports this package links this driver and no other, and opens its
// database by name: with sql.Open, or with byname.Open for what a connection string
// cannot say.
func ExampleOptions() {
	h, err := byname.Open(byname.PQ, "postgres://app@db.example/orders?pool_min_idle=0",
		byname.Setting("pool_max_conns", 20),
		libpq.Options(libpq.BeforeConnect(func(_ context.Context, cfg *pq.Config) error {
			cfg.Password = "from the vault"
			return nil
		})))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.DB.Close()
	fmt.Println(h.Pool.Stats().MaxConns)
	// Output:
	// 20
}

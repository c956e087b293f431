package pgxv5_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers/byname"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
)

func ExampleConnector() {
	connector, err := pgxv5.Connector("postgres://app@db1.example,db2.example/orders?target_session_attrs=read-write")
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

// An error of the connection string shows no password.
func ExampleConnector_password() {
	_, err := pgxv5.Connector("postgres://app:hunter2@db.example:port/orders")
	fmt.Println(err)
	// Output:
	// pgxv5: cannot parse the connection string: invalid port
}

// A password that expires is fetched before each connect.
func ExampleBeforeConnect() {
	vault := func(context.Context) (string, error) { return "", errors.New("the vault is sealed") }
	connector, err := pgxv5.Connector("postgres://app@db.example/orders",
		pgxv5.BeforeConnect(func(ctx context.Context, cfg *pgx.ConnConfig) (err error) {
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
	// pgxv5: connect: BeforeConnect: the vault is sealed
}

// What the connection string cannot say is set in pgx's own configuration.
func ExampleConnectorConfig() {
	cfg, err := pgx.ParseConfig("postgres://app@db.example/orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg.RuntimeParams["application_name"] = "orders"
	pool, err := sqlpool.New(sqlpool.Config{Connector: pgxv5.ConnectorConfig(cfg), Name: "orders", MaxConns: 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	fmt.Println(pool.Stats().MaxConns)
	// Output:
	// 20
}

// The database is behind a tunnel that the program holds.
func ExampleWithDialFunc() {
	closed := errors.New("the tunnel is closed")
	tunnel := func(context.Context, string, string) (net.Conn, error) { return nil, closed }
	connector, err := pgxv5.Connector("postgres://app@10.0.0.5/orders?sslmode=disable", pgxv5.WithDialFunc(tunnel))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = connector.Connect(context.Background())
	fmt.Println(errors.Is(err, closed))
	// Output:
	// true
}

// Code that uses pgx without package sql borrows from the same pool.
func ExampleUnwrap() {
	count := func(ctx context.Context, pool *sqlpool.Pool) (n int, err error) {
		loan, err := pool.Acquire(ctx)
		if err != nil {
			return 0, err
		}
		defer loan.Release()
		conn, _ := pgxv5.Unwrap(loan.Conn().Raw())
		err = conn.QueryRow(ctx, "SELECT count(*) FROM orders").Scan(&n)
		return n, err
	}
	_ = count
}

// A program that imports this package links this driver and no other, and opens its
// database by name: with sql.Open, or with byname.Open for what a connection string
// cannot say.
func ExampleOptions() {
	h, err := byname.Open(byname.PGX, "postgres://app@db.example/orders?pool_min_idle=0",
		byname.Setting("pool_max_conns", 20),
		pgxv5.Options(pgxv5.BeforeConnect(func(_ context.Context, cfg *pgx.ConnConfig) error {
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

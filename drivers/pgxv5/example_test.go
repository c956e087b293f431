package pgxv5_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

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

package bench

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

func openPgxpool(ctx context.Context, s Setup) (Client, error) {
	pool, err := newPgxpool(ctx, s)
	if err != nil {
		return nil, err
	}
	return pgxClient{pool, textsOf(s.Schema)}, nil
}

func openPgxpoolSQL(ctx context.Context, s Setup) (Client, error) {
	pool, err := newPgxpool(ctx, s)
	if err != nil {
		return nil, err
	}
	c, err := newSQLClient(ctx, stdlib.OpenDBFromPool(pool), s)
	if err != nil {
		pool.Close()
		return nil, err
	}
	c.also = func() error { pool.Close(); return nil }
	return c, nil
}

func newPgxpool(ctx context.Context, s Setup) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(s.DSN)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns, cfg.MinConns = int32(s.Conns), int32(s.MinIdle)
	if s.Dial != nil {
		watchPgxpool(cfg, s.Dial)
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

//go:build unix

package targets

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/sqlpool/go/internal/pgserver"
)

// Lab is the databases that contenders are run on, all of them private.
type Lab struct {
	places  places
	server  *pgserver.Server
	standby []*pgserver.Server
	bouncer *bouncer
}

// NewLab starts a PostgreSQL with two standbys, and a PgBouncer in front of it. The
// caller closes it.
func NewLab(ctx context.Context) (*Lab, error) {
	server, err := pgserver.Start(ctx, pgserver.Options{MaxConnections: 200})
	if err != nil {
		return nil, err
	}
	l := &Lab{server: server}
	l.places.postgres = server.DSN("postgres")
	for range 2 {
		standby, err := server.StartStandby(ctx)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("targets: %w", err), l.Close())
		}
		l.standby = append(l.standby, standby)
		l.places.replicas = append(l.places.replicas, standby.DSN("postgres"))
	}
	if l.places.folder, err = os.MkdirTemp("", "sqlpool-conform-"); err == nil {
		l.bouncer, err = startBouncer(ctx, server.TCP().Port)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("targets: %w", err), l.Close())
	}
	through := server.TCP()
	through.Port = l.bouncer.port
	l.places.bouncer = through.URL("postgres")
	return l, nil
}

// Close ends everything.
func (l *Lab) Close() error {
	var err error
	if l.bouncer != nil {
		err = l.bouncer.close()
	}
	for _, standby := range l.standby {
		err = errors.Join(err, standby.Close())
	}
	return errors.Join(err, l.server.Close(), os.RemoveAll(l.places.folder))
}

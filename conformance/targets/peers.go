package targets

import (
	"database/sql/driver"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/sqlpool/go/conformance"
)

// peersLimit is how long a rule may take on a peer: one that waits in vain
// should not cost half a minute each time.
const peersLimit = 8 * time.Second

// peers are the pools that sqlpool replaces, as their documentation sets them
// up.
func peers() []Contender {
	return []Contender{
		{"sql + pgx", "database/sql's own pool on pgx", false, func(p places) (conformance.Target, error) {
			cfg, err := pgx.ParseConfig(p.postgres)
			if err != nil {
				return conformance.Target{}, err
			}
			return plain(stdlib.GetConnector(*cfg)), nil
		}},
		{"sql + pq", "database/sql's own pool on lib/pq", false, func(p places) (conformance.Target, error) {
			c, err := pq.NewConnector(p.postgres)
			return plain(c), err
		}},
		{"pgxpool", "pgxpool behind database/sql (stdlib.OpenDBFromPool)", false, func(p places) (conformance.Target, error) {
			cfg, err := pgx.ParseConfig(p.postgres)
			if err != nil {
				return conformance.Target{}, err
			}
			const itself = "pgxpool dials by itself: its connections cannot be wrapped"
			return peer(conformance.Target{
				Connector: stdlib.GetConnector(*cfg), Open: openPgxpool(p.postgres),
				Lacks: map[conformance.Need]string{conformance.NeedProbe: itself, conformance.NeedBreak: itself},
			}), nil
		}},
	}
}

// plain is database/sql's own pool. OVL-06 compares a pool with this one; it serves
// its waiters in a random order, so beside itself the mark would be a matter of chance.
func plain(c driver.Connector) conformance.Target {
	t := peer(conformance.Target{Connector: c, Open: conformance.OpenPlain})
	t.NotPromised = map[string]string{"OVL-06": "this is the pool that the rule compares with"}
	return t
}

// peer has every rule that is about behaviour checked on a peer, whatever its
// driver can tell.
func peer(t conformance.Target) conformance.Target {
	t.Dialect, t.Limit = conformance.PostgreSQL, peersLimit
	if t.Lacks == nil {
		t.Lacks = map[conformance.Need]string{}
	}
	for _, need := range []conformance.Need{
		conformance.NeedLife, conformance.NeedTxStatus, conformance.NeedSent, conformance.NeedRestates,
	} {
		t.Lacks[need] = "" // what matters is what a caller sees
	}
	return t
}

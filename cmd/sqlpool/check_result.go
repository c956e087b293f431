package main

import (
	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/sqlpool"
)

// checkResult is what check prints, and its JSON. A field that could not be determined is nil or empty.
type checkResult struct {
	Verb      string         `json:"verb"`
	OK        bool           `json:"ok"` // every driver can connect
	Instances int            `json:"instances"`
	Drivers   []driverCheck  `json:"drivers"`
	Pool      *poolSettings  `json:"pool,omitempty"`
	Server    *serverCheck   `json:"server,omitempty"`
	Pooler    *poolerCheck   `json:"pooler,omitempty"`
	Fleet     *fleet.Status  `json:"fleet,omitempty"`    // the limit that the pool shares, and who has how much of it
	Replicas  []replicaCheck `json:"replicas,omitempty"` // the servers of pool_replicas, in its order
	Advice    []advice       `json:"advice"`

	hosts    int               // that the connection string names
	attrs    bool              // whether it says which of them will do
	settings []sqlpool.Setting // that it and the environment make
}

// driverCheck is the way to the database through one driver.
type driverCheck struct {
	Driver string `json:"driver"`
	Error  string `json:"error,omitempty"`  // why it cannot connect
	Remedy string `json:"remedy,omitempty"` // what to do about it

	ConnectMS float64     `json:"connect_ms"` // the quickest of some dials, TLS and login included
	Latency   *roundTrips `json:"latency,omitempty"`
	TLS       *tlsCheck   `json:"tls,omitempty"`
}

// roundTrips are those of SELECT 1 on an open connection.
type roundTrips struct {
	Samples int     `json:"samples"`
	P50     float64 `json:"p50_ms"`
	P95     float64 `json:"p95_ms"`
	Max     float64 `json:"max_ms"`
}

// tlsCheck is how a connection is protected.
type tlsCheck struct {
	On       bool   `json:"on"`
	Version  string `json:"version,omitempty"`
	Verified string `json:"verified,omitempty"` // "name and authority", "authority" or "nothing"; empty when the driver does not say
	Expires  string `json:"certificate_expires,omitempty"`
	Local    bool   `json:"local"` // a Unix socket or the loopback address
}

// poolSettings is the pool that the connection string asks for.
type poolSettings struct {
	Name       string `json:"name"`
	MaxConns   int    `json:"max_conns"`
	MinIdle    int    `json:"min_idle"`
	Statements string `json:"statements"`
}

var statementWords = map[sqlpool.Statements]string{sqlpool.StatementsPrepared: "prepared", sqlpool.StatementsAsText: "text"}

// serverCheck is what the server says of itself.
type serverCheck struct {
	Version   string            `json:"version"`
	Role      string            `json:"role"`
	Database  string            `json:"database"`
	Superuser bool              `json:"superuser"`
	Standby   bool              `json:"standby"` // in recovery: it takes no writes
	Settings  map[string]string `json:"settings"`

	MaxConnections int      `json:"max_connections"`
	Reserved       int      `json:"reserved"`       // of those, for superusers and pg_use_reserved_connections
	RoleLimit      int      `json:"role_limit"`     // -1: none
	DatabaseLimit  int      `json:"database_limit"` // -1: none
	Used           int      `json:"used"`
	Users          []client `json:"users"`
	Notes          []string `json:"notes,omitempty"` // what it did not say
}

// client is who uses connections of the server.
type client struct {
	Role         string `json:"role"`
	Database     string `json:"database"`
	Application  string `json:"application"`
	Connections  int    `json:"connections"`
	Active       int    `json:"active"`
	InIdleTx     int    `json:"idle_in_transaction"`
	StateUnknown int    `json:"state_not_shown"` // for want of the right to see it
}

// poolerCheck is what stands between the drivers and the server.
type poolerCheck struct {
	Present  bool              `json:"present"`
	Mode     string            `json:"mode,omitempty"`     // session, transaction, statement or unknown
	Prepared string            `json:"prepared,omitempty"` // whether prepared statements follow a client: yes, no or unknown
	Product  string            `json:"product,omitempty"`
	How      string            `json:"how"`              // it was seen
	Config   map[string]string `json:"config,omitempty"` // if its console lets us ask
}

// advice is one setting to change or to think about.
type advice struct {
	ID      string `json:"id"`
	Level   string `json:"level"` // change or consider
	Setting string `json:"setting"`
	Why     string `json:"why"`
}

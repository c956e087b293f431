//go:build unix

package patroni

import (
	"fmt"
	"os"
	"path/filepath"
)

// The times are short, so that a run is: Patroni's defaults are a ttl of 30 s,
// a loop_wait of 10 s and a retry_timeout of 10 s. A ttl of 10 s is how long the
// others wait before they take a silent leader's place.
//
// etcd is spoken to in version 2 of its API. In version 3, Patroni 3.0.2 updates the
// leader's key without a look at who holds it: a leader that was stopped and goes
// on takes the lead back, and what its successor had acknowledged is gone.
//
// Without fsync an acknowledged commit is in the kernel's page cache, which
// outlives every kill -9. Shared memory is a file of the node's folder, so that
// nothing is left of a killed server.
const nodeSettings = `scope: %[1]s
name: %[2]s
restapi: {listen: "127.0.0.1:%[3]d", connect_address: "127.0.0.1:%[3]d"}
etcd: {host: "127.0.0.1:%[4]d"}
bootstrap:
  dcs:
    ttl: 10
    loop_wait: 2
    retry_timeout: 4
    primary_start_timeout: 0
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      parameters:
        max_connections: 150
        shared_buffers: 16MB
        wal_log_hints: "on"
        wal_keep_size: 256MB
        wal_sender_timeout: 4s
        wal_receiver_timeout: 4s
        fsync: "off"
        dynamic_shared_memory_type: mmap
  initdb: [{encoding: UTF8}, {locale: C}, data-checksums, no-sync]
postgresql:
  listen: 127.0.0.1:%[5]d
  connect_address: 127.0.0.1:%[5]d
  data_dir: %[6]s/%[2]s/data
  bin_dir: %[7]s
  pgpass: %[6]s/%[2]s.pgpass
  authentication:
    superuser: {username: postgres, password: none}
    replication: {username: replicator, password: none}
    rewind: {username: rewinder, password: none}
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
  parameters: {unix_socket_directories: "%[6]s", logging_collector: "off"}
`

func (c *Cluster) configureNode(n *Node) error {
	text := fmt.Sprintf(nodeSettings, filepath.Base(c.dir), n.Name, n.rest, c.etcd, n.port, c.dir, c.programs.postgres)
	return os.WriteFile(n.config(), []byte(text), 0o644)
}

// Package patroni runs a private cluster of three PostgreSQL servers that Patroni
// manages, with etcd and an HAProxy: one whose nodes may be killed and frozen, and
// that cannot outlive its process. It needs Linux.
//
// program.go finds the programs, config.go writes their settings, cluster.go and
// run.go start them and watchdog.sh ends them; rest.go asks Patroni, node.go breaks
// one node, and balancer.go is the HAProxy before them.
package patroni

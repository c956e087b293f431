// Package outage is the fault laboratory: it breaks real servers and measures what
// callers of *sql.DB see, through sqlpool and, on the same fault, through other pools.
//
// A fault's life, file by file: contender.go opens the pools, scene.go sets up a
// server, the packages relay, tap and bouncer set up the network in front of
// it; load.go has the callers; server.go, wire.go, switch.go and partial.go are the
// faults, shortage.go is the demand in those that leave the database there, and
// faults.go lists them; measure.go brings the three together and figures.go has the
// results; noise.go measures the machine during the fault; table.go prints.
//
// The leader of a Patroni cluster (package patroni, cluster.go) changes in the ways
// of clustermove.go while callers reach it in those of clusterway.go;
// clustermeasure.go brings the two together and clustertable.go prints. The command
// in cluster writes its part of docs/outages.md.
//
// The tests check what sqlpool promises. The command in matrix runs every
// fault on every contender and writes docs/outages.md.
package outage

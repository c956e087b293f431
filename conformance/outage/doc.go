// Package outage is the fault laboratory: real servers that really die, seen by
// callers of *sql.DB through sqlpool and, on the same fault, through the pools
// that it stands beside.
//
// A fault's life, file by file: contender.go opens the pools, scene.go sets up
// a server, network.go and the packages tap and bouncer what lies before it;
// load.go is the callers; server.go, wire.go, switch.go and partial.go are the
// faults, shortage.go is the demand in those that leave the database there, and
// faults.go lists them; measure.go brings the three together and figures.go says
// what came of it; noise.go measures the machine meanwhile; table.go prints.
//
// The tests hold sqlpool to its promises. The command in matrix runs every
// fault on every contender and writes docs/outages.md.
package outage

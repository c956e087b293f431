// Package targets is what the conformance suite is run on in this repository:
// sqlpool on each driver, exec mode and route to PostgreSQL, on SQLite and on
// the scripted driver; and for contrast the pools that it replaces.
//
// It is a module of its own for the sake of SQLite, and internal to this
// repository: its packages make no promise.
package targets

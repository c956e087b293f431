// Package contract tests what both adapters promise to the pool, on a real
// server, with and without TLS. An adapter's own tests cover what is particular
// to its driver.
package contract

// Package tenants holds the code of docs/tenants.md: one database, several
// tenants, each with a role and a schema of its own. It is all in tests, which run
// on a real server through both drivers.
package tenants

// Package wrappers holds the pool's behavior below the wrappers of
// database/sql/driver that Go programs instrument their databases with: tracers
// and middlewares, most of which hide driver.Validator. It is a module of its own
// because of what they depend on.
package wrappers

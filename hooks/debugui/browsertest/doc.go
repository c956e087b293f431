// Package browsertest holds the tests of hooks/debugui's page in a real browser,
// which make its screenshots too. It is a module of its own, so that programs
// with the page do not have a browser's driver among their dependencies.
package browsertest

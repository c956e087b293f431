// Package docs holds the tests of the documentation: every Go snippet in it is
// code that a test here compiles and runs, every command and query is run, every
// make target, setting, metric and page that it names exists, and every exported
// identifier of every module is documented.
package docs

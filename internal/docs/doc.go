// Package docs holds the tests of the documentation: every Go snippet in it is
// code that a test here compiles and runs, and every make target it names
// exists.
package docs

// Command mutants measures how many faults the tests catch: it changes one place of
// the code at a time, in an overlay, and runs the tests of that package and then the
// conformance suite on the scripted driver, and for a change of an adapter the tests of
// all adapters. Its result is the share of the changes that a test has failed on.
// `make mutants` runs it; it takes hours for a large sample, and is no part of
// `make test`.
//
// The sample is drawn with a seed, so that a run can be repeated: a measurement uses
// a seed that was never used before, because tests written for one sample say
// nothing about the next. Changes that are no fault, since nothing that a caller can
// see differs, are listed in equivalent.txt with the reason.
//
// The maintained tools were looked at first: they copy the module for each change or
// rewrite it in place, run one package's tests for each, and draw no sample by seed.
//
// File by file: change.go finds what can be changed, sample.go draws and leaves out,
// run.go tries a change, main.go tells the result.
package main

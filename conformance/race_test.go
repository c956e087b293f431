//go:build race

package conformance

// sampled is one in how many rules of other families a mutant meets: under the
// race detector all of them take minutes. Without it, as in make conform, a
// mutant meets all.
const sampled = 6

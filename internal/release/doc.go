// Package release holds the test of a release: the tree is tagged at a version
// of its own in a scratch repository, and programs that know nothing of the tree
// fetch each module by that version.
package release

// Package hook holds the hook of docs/writing-a-hook.md, as a user outside
// this repository would write it. It is all in tests.
package hook

// Package hook holds the hook of docs/writing-a-hook.md, as somebody outside
// this repository would write it. It is all in tests.
package hook

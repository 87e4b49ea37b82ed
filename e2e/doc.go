// Package e2e holds the end-to-end tests: the product's own binary, as processes that are killed, against the lab's
// real servers.
package e2e

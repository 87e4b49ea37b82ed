package lab

import (
	"errors"
	"os"
	"path/filepath"
)

// Tree is the checkout that the lab's program belongs to.
type Tree struct{ Root string }

// Servers is the directory with one module for each server.
func (t Tree) Servers() string { return filepath.Join(t.Root, "lab", "servers") }

// Manifests is the product's file with its service account and roles.
func (t Tree) Manifests() string { return filepath.Join(t.Root, "deploy", "rbac.yaml") }

// ErrNoTree means that the lab's program was moved out of its checkout.
var ErrNoTree = errors.New("cannot find the checkout with lab/servers: run the lab from inside it, or name it with --source")

// FindTree looks for the checkout upwards of each of the places.
func FindTree(places ...string) (Tree, error) {
	for _, place := range places {
		for dir := filepath.Clean(place); ; dir = filepath.Dir(dir) {
			tree := Tree{Root: dir}
			if _, err := os.Stat(filepath.Join(tree.Servers(), "kubernetes", "go.mod")); err == nil {
				return tree, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return Tree{}, ErrNoTree
}

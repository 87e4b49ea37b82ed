// Package library holds the playbooks that are shipped with Firebreak, inside the binary.
package library

import (
	"embed"
	"io/fs"
	"strings"
)

// Prefix stands before a shipped playbook's name where a file's path would stand.
const Prefix = "library/"

const extension = ".yaml"

// Names gives the names of the shipped playbooks, sorted.
func Names() []string {
	entries, err := fs.ReadDir(files(), ".")
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), extension); ok && !strings.HasSuffix(name, ".test") {
			out = append(out, name)
		}
	}
	return out
}

// Find gives a shipped playbook's text by its name.
func Find(name string) ([]byte, bool) {
	if strings.ContainsAny(name, "/.") {
		return nil, false
	}
	raw, err := fs.ReadFile(files(), name+extension)
	return raw, err == nil
}

//go:embed *.yaml
var embedded embed.FS

func files() fs.FS { return embedded }

package casetest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/library"
)

// Playbook is one that comes with Firebreak.
type Playbook struct {
	Folder string // of its recorded histories
	File   string // as it is named in its plan
	Text   []byte
}

// Shipped gives every playbook that comes with Firebreak: the library, what `firebreak new` writes, and the worked example
// of the language. The root is the module's.
func Shipped(root string) ([]Playbook, error) {
	var all []Playbook
	for _, name := range library.Names() {
		text, _ := library.Find(name)
		all = append(all, Playbook{name, library.Prefix + name, text})
	}
	files, err := filepath.Glob(filepath.Join(root, "cmd/firebreak/skeletons/*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, errors.New("there are no skeletons of playbooks"))
	}
	files = append(files, filepath.Join(root, "playbooks/compile/testdata/ok/worked-example.yaml"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		folder := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if strings.Contains(string(text), "name: skeleton\n") {
			folder = "new-" + folder
		}
		all = append(all, Playbook{folder, folder + ".yaml", text})
	}
	return all, nil
}

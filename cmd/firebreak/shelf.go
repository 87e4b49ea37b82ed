package main

import (
	"sync"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// shelf remembers which playbooks stand in a folder while a command compiles many that call one another; without it each
// call would read its folder again. A nil shelf remembers nothing.
type shelf struct {
	mu      sync.Mutex
	folders map[string]func() (map[string][]compile.Source, error)
}

func newShelf() *shelf {
	return &shelf{folders: map[string]func() (map[string][]compile.Source, error){}}
}

// named gives the playbooks of that name in a folder.
func (s *shelf) named(folder, name string) ([]compile.Source, error) {
	if s == nil {
		return beside(folder, name)
	}
	all, err := s.in(folder)()
	return all[name], err
}

func (s *shelf) in(folder string) func() (map[string][]compile.Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folders[folder] == nil {
		s.folders[folder] = sync.OnceValues(func() (map[string][]compile.Source, error) { return byName(folder) })
	}
	return s.folders[folder]
}

// byName reads a folder's playbooks. One whose name cannot be read is called by nobody.
func byName(folder string) (map[string][]compile.Source, error) {
	sources, err := files(folder)
	out := map[string][]compile.Source{}
	for _, one := range sources {
		root, _ := syntax.Parse(one.name, one.raw)
		if n := root.Get("metadata").Get("name"); n != nil {
			out[n.Text] = append(out[n.Text], compile.Source{File: one.name, Data: one.raw})
		}
	}
	return out, err
}

// beside reads the playbooks of that name in a folder.
func beside(folder, name string) ([]compile.Source, error) {
	sources, err := files(folder)
	var out []compile.Source
	for _, one := range sources {
		if called(one, name) {
			out = append(out, compile.Source{File: one.name, Data: one.raw})
		}
	}
	return out, err
}

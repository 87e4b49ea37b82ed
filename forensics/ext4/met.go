package ext4

import (
	"slices"
	"strings"
	"sync"
)

const maxMet = 1000 // that are kept

// met is the damage that was met while reading, where it kept nothing from being read. What is kept of it, and the order,
// depend on what was read and not on when.
type met struct {
	mu   sync.Mutex
	list []error // in the order of their texts
}

func (m *met) add(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, known := slices.BinarySearchFunc(m.list, err.Error(), func(e error, text string) int { return strings.Compare(e.Error(), text) })
	if known {
		return
	}
	m.list = slices.Insert(m.list, at, err)
	m.list = m.list[:min(len(m.list), maxMet)]
}

func (m *met) all() []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.list)
}

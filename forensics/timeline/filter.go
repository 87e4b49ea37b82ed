package timeline

import (
	"slices"
	"strings"
	"time"
)

// Filter leaves events out. The zero value leaves out none.
type Filter struct {
	From, To   time.Time // the first moment that counts, and the first that no longer does; zero for no bound
	Containers []string  // names, ids or beginnings of ids of 6 signs or more; what is about no container is left out
	Paths      []string  // files on the disk, or directories with all below them; what is about no file is left out
}

// Keeps tells whether an event is left in.
func (f *Filter) Keeps(e *Event) bool {
	switch {
	case !f.From.IsZero() && e.Time.Before(f.From), !f.To.IsZero() && !e.Time.Before(f.To):
		return false
	case len(f.Containers) > 0 && !slices.ContainsFunc(f.Containers, e.isOf):
		return false
	}
	return len(f.Paths) == 0 || slices.ContainsFunc(f.Paths, e.isBelow)
}

func (e *Event) isOf(container string) bool {
	return container != "" && (container == e.Holder || container == e.HolderID ||
		len(container) >= 6 && strings.HasPrefix(e.HolderID, container))
}

// isBelow tells whether an event is about what lies at a path or below, or comes from a log there.
func (e *Event) isBelow(dir string) bool {
	dir = "/" + strings.Trim(dir, "/")
	for _, p := range []string{e.Path, e.File} {
		if p == dir || dir == "/" && p != "" || strings.HasPrefix(p, dir) && p[len(dir)] == '/' {
			return true
		}
	}
	return false
}

package workflows

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// indexed is the path of one item of a foreach.
func indexed(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// around gives the paths of the blocks around a step, such as isolate[0] and isolate of isolate[0]/deny.
func around(path string) []string {
	var out []string
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '/' || path[i] == '[' {
			out = append(out, path[:i])
		}
	}
	return out
}

// bare is a path without its iterations: the step's place in the playbook.
func bare(path string) string { return regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, "") }

// idsOf gives the ids of the steps in an entry, sorted.
func idsOf(e entry) []string {
	var ids []string
	for id := range e { //nolint:workflowcheck // sorted before anything is made of them
		if !slices.Contains([]string{statusKey, errorKey, outputKey, itemsKey}, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// below tells whether a path is that of a step or of something inside it.
func below(path, outer string) bool {
	return path == outer || strings.HasPrefix(path, outer+"/") || strings.HasPrefix(path, outer+"[")
}

package workflows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
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
func bare(path string) string {
	for from := strings.IndexByte(path, '['); from >= 0; from = strings.IndexByte(path, '[') {
		to := strings.IndexByte(path[from:], ']')
		if to < 0 {
			break
		}
		path = path[:from] + path[from+to+1:]
	}
	return path
}

// sameItem tells whether two steps are not those of different items of one foreach.
func sameItem(a, b string) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(as), len(bs)) {
		switch {
		case as[i] == bs[i]:
		case bare(as[i]) == bare(bs[i]):
			return false
		default:
			return true
		}
	}
	return true
}

// survey notes every place of a plan with the effect of its activity; a called playbook's stand below the step that calls it.
func (c *incident) survey(p plan.Plan, prefix string) {
	plan.Walk(func(s plan.Step) {
		place := prefix + s.Path
		c.places = append(c.places, place)
		if s.Uses != nil {
			c.effects[place] = s.Uses.Effect
		}
		if s.Call == nil {
			return
		}
		if called, known := c.units[s.Call.Hash]; known {
			c.survey(called.plan, place+"/")
		}
	}, p.Steps, p.Finally)
}

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

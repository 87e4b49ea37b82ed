package compile

import (
	"strconv"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// scalar gives a scalar's plain value; false for a list, a map or a number that nothing can hold.
func scalar(n *syntax.Node) (any, bool) {
	switch n.Kind {
	case syntax.Text:
		return n.Text, true
	case syntax.Bool:
		return strings.EqualFold(n.Text, "true"), true
	case syntax.Int:
		v, err := strconv.ParseInt(strings.ReplaceAll(n.Text, "_", ""), 0, 64)
		return v, err == nil
	case syntax.Float:
		v, err := strconv.ParseFloat(strings.ReplaceAll(n.Text, "_", ""), 64)
		return v, err == nil
	}
	return nil, false
}

package compile

import (
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

const maxIdentifier = 40

// isIdentifier tells whether a name is letters, digits and underscores, and begins with a letter.
func isIdentifier(name string) bool {
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != "" && len(name) <= maxIdentifier
}

// locate finds the lines and the paths of all steps before any is read, so that a message can tell a later step from none
// and evidence can be named wherever it stands.
func (c *compiler) locate(root *syntax.Node) {
	c.lines, c.paths = map[string]int{}, map[string]string{}
	c.locateIn(root.Get("steps"), "")
	c.locateIn(root.Get("finally"), "")
}

func (c *compiler) locateIn(list *syntax.Node, outer string) {
	if list == nil {
		return
	}
	for _, step := range list.Items {
		path := outer
		if id := step.Get("id"); id != nil && id.Kind == syntax.Text {
			path = strings.TrimPrefix(outer+"/"+id.Text, "/")
			c.lines[id.Text], c.paths[id.Text] = id.Line, path
		}
		for _, key := range []string{"parallel", "then", "else", "do", "default"} {
			c.locateIn(step.Get(key), path)
		}
		c.locateCases(step.Get("switch"), path)
		c.locateCases(step.Get("catch"), path+"/catch")
	}
}

// locateCases goes into the steps of a switch or a catch.
func (c *compiler) locateCases(list *syntax.Node, path string) {
	if list == nil {
		return
	}
	for _, one := range list.Items {
		c.locateIn(one.Get("do"), path)
	}
}

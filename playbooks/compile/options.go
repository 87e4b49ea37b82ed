package compile

import (
	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Options are what a compilation needs besides the text. What is nil is not there: a playbook that needs it has a problem.
type Options struct {
	Catalog activities.Catalog
	// Read reads a file that the playbook names, by its name relative to the playbook's folder. The name never leaves it.
	Read func(name string) ([]byte, error)
	// Alert makes an alert of a file in a source's own form, such as Falco's.
	Alert func(raw []byte) (plan.Alert, error)
	// Find gives the playbooks that one may call by that name, in any order.
	Find func(name string) ([]Source, error)
	// Lock says which file a call must mean; nil: whichever fits.
	Lock *Lock

	// Types keeps the types of activities for further compilations; nil: none are kept.
	Types *Types
	// Resolved is told which file each call means.
	Resolved func(Locked)

	callers []string  // the names of the playbooks whose calls lead here
	dirty   []string  // the inputs that may have an attacker's words
	loops   []looping // around the calls that lead here
}

// Source is a playbook's text and where it came from.
type Source struct {
	File string
	Data []byte
}

// With reads a playbook. The plan is whole when there are no problems, and empty otherwise; problems are sorted by place.
func With(file string, data []byte, o Options) (plan.Plan, []syntax.Problem) {
	p, _, problems := compileSource(file, data, o)
	return p, problems
}

// compileSource also tells whose words the outputs may have.
func compileSource(file string, data []byte, o Options) (plan.Plan, taint, []syntax.Problem) {
	root, problems := syntax.Parse(file, data)
	if root == nil {
		return plan.Plan{}, nobodys, problems
	}
	c := newCompiler(o)
	c.reader.Add(problems...)
	c.plan.Source = file
	c.playbook(root)
	if found := c.reader.Problems(); len(found) > 0 {
		return plan.Plan{}, nobodys, found
	}
	if problem, bad := c.seal(root); bad {
		return plan.Plan{}, nobodys, []syntax.Problem{problem}
	}
	return c.plan, c.dirtyEntries(c.plan.Outputs), nil
}

// Compile is With where a playbook stands alone: it can read no file and call no other playbook.
func Compile(file string, data []byte, catalog activities.Catalog) (plan.Plan, []syntax.Problem) {
	return With(file, data, Options{Catalog: catalog})
}

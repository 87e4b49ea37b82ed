package compile

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// checker keeps one CEL environment for each set of variables.
type checker struct {
	types *provider
	base  *cel.Env
	envs  map[string]*cel.Env
}

func newChecker(p *provider) *checker { return &checker{types: p, envs: map[string]*cel.Env{}} }

// variable is a name that a foreach gives to its item.
type variable struct {
	name string
	t    *cel.Type
}

func (k *checker) env(p place) (*cel.Env, error) {
	key := p.key()
	if env, ok := k.envs[key]; ok {
		return env, nil
	}
	if k.base == nil {
		base, err := cel.NewEnv(append(plan.Library(), cel.CustomTypeProvider(k.types), cel.EnableMacroCallTracking())...)
		if err != nil {
			return nil, err
		}
		k.base = base
	}
	var options []cel.EnvOption
	if p.seesAlert() {
		options = append(options, cel.Variable("alert", cel.ObjectType("alert")))
	}
	if !p.alertOnly {
		options = append(options, cel.Variable("inputs", cel.ObjectType(inputsType)), cel.Variable("run", cel.ObjectType("run")),
			cel.Variable("steps", cel.ObjectType(stepsType)))
	}
	for _, v := range p.vars {
		options = append(options, cel.Variable(v.name, v.t))
	}
	env, err := k.base.Extend(options...)
	if err == nil {
		k.envs[key] = env
	}
	return env, err
}

// place is where an expression stands: what it sees, and what is known to hold there.
type place struct {
	alertOnly bool
	vars      []variable
	steps     map[string]*view
	facts     facts
	sorted    bool // "order: volatility" says which step of the block comes first
}

// onAlert is the place of triggers and dedup keys.
func onAlert() place { return place{alertOnly: true} }

func (p place) key() string {
	words := []string{"run"}
	switch {
	case p.alertOnly && len(p.vars) == 0:
		return "alert"
	case p.alertOnly:
		words = nil
	}
	for _, v := range p.vars {
		words = append(words, v.name+": "+cel.FormatCELType(v.t))
	}
	return strings.Join(words, ", ")
}

// seesAlert is false in the mapping of an event, which makes the alert.
func (p place) seesAlert() bool { return !p.alertOnly || len(p.vars) == 0 }

// names gives the variables of the place, for "did you mean".
func (p place) names() []string {
	var out []string
	if p.seesAlert() {
		out = append(out, "alert")
	}
	if !p.alertOnly {
		out = append(out, "inputs", "steps", "run")
	}
	for _, v := range p.vars {
		out = append(out, v.name)
	}
	return out
}

// with gives the place behind that step.
func (p place) with(v *view) place {
	steps := make(map[string]*view, len(p.steps)+1)
	for id, known := range p.steps {
		steps[id] = known
	}
	steps[v.id] = v
	p.steps = steps
	return p
}

// holding gives the place at which these facts hold too.
func (p place) holding(more []string) place {
	p.facts = p.facts.and(more)
	return p
}

// binding gives the place inside a foreach.
func (p place) binding(v variable) place {
	p.vars = append(slices.Clone(p.vars), v)
	return p
}

func isText(t *cel.Type) bool { return t.Kind() == types.StringKind || t.Kind() == types.DynKind }

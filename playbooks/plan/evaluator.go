package plan

import (
	"fmt"
	"sync"

	"cel.dev/cel-go/cel"
)

// Limits of one expression. They bound what a playbook, or an alert that it reads, can cost a worker.
const (
	MaxExpression = 4096    // code points of source
	costLimit     = 200_000 // CEL's cost units of one evaluation
	maxPrograms   = 4096    // cached programs
)

// Evaluator evaluates a plan's expressions. It is safe for concurrent use and gives the same result every time.
type Evaluator struct {
	cache *cache
	types *variables // nil until For
}

// NewEvaluator makes an evaluator for triggers and dedup keys; For makes one for the rest of a plan. All evaluators
// made from one share its cache of programs.
func NewEvaluator() *Evaluator { return &Evaluator{cache: &cache{}} }

// For gives the evaluator of that plan's runs: it knows the types of inputs, step outputs and foreach variables.
func (e *Evaluator) For(p Plan) (*Evaluator, error) {
	v, err := newVariables(p)
	if err != nil {
		return nil, fmt.Errorf("plan %q: %w", p.Name, err)
	}
	return &Evaluator{cache: e.cache, types: v}, nil
}

// cache holds the compiled programs by their source. The environment is made at the first use.
type cache struct {
	mu       sync.Mutex
	env      *cel.Env
	programs map[string]cel.Program
}

func (c *cache) program(source string) (cel.Program, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.programs[source]; ok {
		return p, nil
	}
	p, err := c.compile(source)
	if err != nil {
		return nil, err
	}
	if c.programs == nil || len(c.programs) >= maxPrograms {
		c.programs = map[string]cel.Program{}
	}
	c.programs[source] = p
	return p, nil
}

// compile needs no type check: the compiler of playbooks made it, and values carry their types.
func (c *cache) compile(source string) (cel.Program, error) {
	if c.env == nil {
		env, err := cel.NewEnv(append(Library(), cel.CustomTypeAdapter(untyped()))...)
		if err != nil {
			return nil, fmt.Errorf("expression environment: %w", err)
		}
		c.env = env
	}
	ast, issues := c.env.Parse(source)
	if err := issues.Err(); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	return c.env.Program(ast, cel.CostLimit(costLimit), cel.EvalOptions(cel.OptOptimize))
}

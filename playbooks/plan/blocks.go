package plan

// Blocks gives the lists of steps that stand inside a step, in the order of the file: of parallel, foreach, if, switch and
// catch.
func (s Step) Blocks() [][]Step {
	var out [][]Step
	add := func(list []Step) {
		if len(list) > 0 {
			out = append(out, list)
		}
	}
	add(s.Parallel)
	if s.Foreach != nil {
		add(s.Foreach.Do)
	}
	if s.Branch != nil {
		add(s.Branch.Then)
		add(s.Branch.Else)
	}
	if s.Switch != nil {
		for _, c := range s.Switch.Cases {
			add(c.Do)
		}
		add(s.Switch.Default)
	}
	for _, c := range s.Catch {
		add(c.Do)
	}
	return out
}

// Walk visits every step of the lists and of their blocks, a step before what stands inside of it.
func Walk(visit func(Step), lists ...[]Step) {
	for _, list := range lists {
		for _, s := range list {
			visit(s)
			Walk(visit, s.Blocks()...)
		}
	}
}

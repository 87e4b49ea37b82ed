package main

import (
	"fmt"
	"slices"

	"github.com/firebreak-ir/firebreak/playbooks/lint"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// problems prints what is wrong and then ends with exitWrong.
func (a *app) problems(problems []syntax.Problem, out output) error {
	problems = syntax.Sort(problems)
	if err := a.printProblems(problems, out); err != nil {
		return err
	}
	if len(problems) > 0 {
		return said(exitWrong)
	}
	return nil
}

func (a *app) printProblems(problems []syntax.Problem, out output) error {
	switch out.form {
	case "json":
		return printJSON(a.stdout, struct {
			Problems []syntax.Problem `json:"problems"`
		}{append([]syntax.Problem{}, problems...)})
	case "sarif":
		return lint.SARIF(a.stdout, a.build().Version, problems)
	case "github":
		return lint.GitHub(a.stdout, harmless(problems))
	}
	p := palette{a.colours()}
	for _, problem := range problems {
		if _, err := fmt.Fprintln(a.stdout, p.problem(problem)); err != nil {
			return err
		}
	}
	return nil
}

// harmless makes the texts harmless for the terminal that a log is read on.
func harmless(problems []syntax.Problem) []syntax.Problem {
	out := slices.Clone(problems)
	for i := range out {
		out[i].File, out[i].Message = safe(out[i].File), safeLines(out[i].Message)
	}
	return out
}

// problem gives one line, as Problem.Error does, with its parts in colours.
func (p palette) problem(what syntax.Problem) string {
	place := fmt.Sprintf("%s:%d:%d:", what.File, what.Line, what.Column)
	return p.bold(safe(place)) + " " + safe(what.Message) + " " + p.dim(safe("["+what.Rule+"]"))
}

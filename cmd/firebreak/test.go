package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/scenario"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
	"github.com/firebreak-ir/firebreak/workflows/rehearse"
)

type testFlags struct {
	run   string
	least int
	out   output
}

// tested is what the tests of one playbook gave.
type tested struct {
	Playbook string            `json:"playbook"`
	File     string            `json:"file"`
	Tests    []rehearse.Result `json:"tests"`
	Coverage rehearse.Coverage `json:"coverage"`
	Failed   int               `json:"failed"`
}

func testCommand(a *app) *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:     "test PLAYBOOK…",
		Short:   "Run the tests of playbooks, in virtual time",
		GroupID: "playbooks",
		Long: `Runs X.test.yaml, which stands beside the playbook X.yaml: an alert, what the activities answer, what people decide, and
what is expected. The interpreter is the real one; days of waiting pass in milliseconds; nothing is contacted. A folder
means every playbook in it that has tests.

An activity without a mock takes one second and finds nothing. What no test runs is listed at the end.`,
		Example: `  firebreak test playbooks/
  firebreak test playbooks/pod.yaml --run 'false positive' --least 90`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.test(args, f) },
	}
	c.Flags().StringVar(&f.run, "run", "", "only the tests whose names match this regular expression")
	c.Flags().IntVar(&f.least, "least", 0, "fail where less than this percentage of steps and branches is run")
	f.out.flag(c, "text", "json")
	return c
}

func (a *app) test(args []string, f testFlags) error {
	only, err := regexp.Compile(f.run)
	if err != nil {
		return wrongf("--run: %v", err)
	}
	var all []tested
	for _, arg := range args {
		sources, err := files(arg)
		if err != nil {
			return unread(err)
		}
		for _, s := range sources {
			one, err := a.testOne(s, only, s.name == arg)
			if err != nil {
				return err
			}
			if one != nil {
				all = append(all, *one)
			}
		}
	}
	if len(all) == 0 {
		return wrongf("no playbook here has tests; they stand beside it, in a file that ends in .test.yaml")
	}
	return a.tested(all, f)
}

// testOne runs the tests of a playbook; nil where it has none.
func (a *app) testOne(s source, only *regexp.Regexp, must bool) (*tested, error) {
	name := strings.TrimSuffix(s.name, filepath.Ext(s.name)) + ".test.yaml"
	raw, err := readFile(name, syntax.MaxBytes)
	switch {
	case errors.Is(err, os.ErrNotExist) && !must:
		return nil, nil
	case err != nil:
		return nil, unread(err)
	}
	p, problems := a.compile(s)
	file, found := scenario.Read(name, raw)
	if problems = append(problems, found...); len(problems) == 0 {
		problems = scenario.Check(file, p, a.catalog())
	}
	if len(problems) > 0 {
		for _, one := range problems {
			fmt.Fprintln(a.stderr, safe(one.Error()))
		}
		return nil, said(exitWrong)
	}
	return a.rehearse(p, file, only)
}

func (a *app) rehearse(p plan.Plan, file scenario.File, only *regexp.Regexp) (*tested, error) {
	out := &tested{Playbook: p.Name, File: file.Name, Tests: []rehearse.Result{}}
	for _, t := range file.Tests {
		if !only.MatchString(t.Name) {
			continue
		}
		alert, err := testAlert(file.Name, t)
		if err != nil {
			return nil, wrongf("%s:%d: %v", file.Name, t.Pos.Line, err)
		}
		result, err := rehearse.Run(rehearse.Given{Plan: p, Catalog: a.catalog(), Alert: alert, Start: testStart(alert)}, t)
		if err != nil {
			return nil, wrongf("%s:%d: %v", file.Name, t.Pos.Line, err)
		}
		out.Tests = append(out.Tests, result)
		if len(result.Failed) > 0 {
			out.Failed++
		}
	}
	out.Coverage = rehearse.Cover(p, out.Tests)
	return out, nil
}

// testStart is the moment at which a test begins: shortly after its alert, so that two runs of a test are the same.
func testStart(alert plan.Alert) time.Time {
	if alert.Time.IsZero() {
		return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	}
	return alert.Time.Add(time.Second)
}

// testAlert reads the alert of a test: from its file, or as it stands there.
func testAlert(file string, t scenario.Test) (plan.Alert, error) {
	raw, err := json.Marshal(t.Alert)
	if t.AlertFile != "" {
		raw, err = readWithin(filepath.Dir(file), t.AlertFile)
	}
	if err != nil {
		return plan.Alert{}, fmt.Errorf("alert %q: %w", t.AlertFile, err)
	}
	var form map[string]json.RawMessage
	if err := json.Unmarshal(raw, &form); err != nil {
		return plan.Alert{}, fmt.Errorf("alert: %w", err)
	}
	if _, falco := form["output_fields"]; falco {
		return alertOf(raw)
	}
	var alert plan.Alert
	if err := json.Unmarshal(raw, &alert); err != nil {
		return plan.Alert{}, fmt.Errorf("alert: %w", err)
	}
	return alert, nil
}

func (a *app) tested(all []tested, f testFlags) error {
	bad := false
	for _, t := range all {
		bad = bad || t.Failed > 0 || percent(t.Coverage) < f.least
	}
	if f.out.json() {
		if err := printJSON(a.stdout, all); err != nil {
			return err
		}
	} else {
		for _, t := range all {
			a.printTests(t, f.least)
		}
	}
	if bad {
		return said(exitWrong)
	}
	return nil
}

func (a *app) printTests(t tested, least int) {
	for _, r := range t.Tests {
		word := "ok  "
		if len(r.Failed) > 0 {
			word = "FAIL"
		}
		fmt.Fprintf(a.stdout, "%s  %s: %s (%s of virtual time)\n", word, safe(t.Playbook), safe(r.Test), r.Took.Round(time.Second))
		for _, why := range r.Failed {
			fmt.Fprintf(a.stdout, "      %s\n", safe(why))
		}
	}
	c := t.Coverage
	fmt.Fprintf(a.stdout, "%s: %d of %d steps, %d of %d branches run (%d %%)\n", safe(t.Playbook), c.StepsRun, c.Steps, c.Taken, c.Branches, percent(c))
	for _, m := range c.Missing {
		fmt.Fprintf(a.stdout, "      line %d: %s\n", m.Line, safe(m.What))
	}
	if percent(c) < least {
		fmt.Fprintf(a.stdout, "      at least %d %% are wanted\n", least)
	}
}

func percent(c rehearse.Coverage) int {
	if c.Steps+c.Branches == 0 {
		return 100
	}
	return 100 * (c.StepsRun + c.Taken) / (c.Steps + c.Branches)
}

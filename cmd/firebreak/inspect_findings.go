package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/analysis"
	"github.com/firebreak-ir/firebreak/forensics/findings"
)

const maxShown = 100_000 // findings held to be shown in order

// showFindings lists what stands out, the worst first.
func showFindings(ctx context.Context, i *inspection, container string) error {
	v, err := i.volume()
	if err != nil {
		return err
	}
	i.ahead(ctx)
	listing, err := i.containersOn(ctx, v)
	if err != nil {
		return err
	}
	bar := i.progress("look through", "layers")
	var all []analysis.Finding
	report, err := analysis.Findings(ctx, v, analysis.FindingsOptions{
		DriftOptions: analysis.DriftOptions{
			Listing: listing, Container: container,
			Begin: func(done, total int) error { return bar.at(int64(done), int64(total)) },
		},
		Since: i.flags.since.Time, Walked: func(int) error { return ctx.Err() },
	}, func(f analysis.Finding) error {
		if len(all) == maxShown {
			return fmt.Errorf("more than %d findings: ask for those of one container", maxShown)
		}
		all = append(all, f)
		return nil
	})
	bar.end()
	if err != nil {
		return err
	}
	for _, problem := range slices.Concat(listing.Problems, report.Unread, report.Drift.Problems) {
		i.note("%s", problem)
	}
	return i.printFindings(all)
}

func (i *inspection) printFindings(all []analysis.Finding) error {
	slices.SortStableFunc(all, func(a, b analysis.Finding) int { return rank(a.Severity) - rank(b.Severity) })
	p := palette{i.colours()}
	shown := i.lines(p.plain("SEVERITY") + "\tWHERE\tWHAT")
	var errs []error
	for _, f := range all {
		errs = append(errs, shown.add(f, findingLine(p, f)))
	}
	return errors.Join(append(errs, shown.end("nothing stands out"))...)
}

// rank puts the worst first.
func rank(s findings.Severity) int {
	return slices.Index([]findings.Severity{findings.Critical, findings.High, findings.Medium, findings.Low}, s)
}

// severityWord colours a word; what is not marked gets the terminal's own colour, whose code is as long: the columns are
// counted in bytes.
func severityWord(p palette, s findings.Severity) string {
	switch s {
	case findings.Critical, findings.High:
		return p.red(string(s))
	case findings.Medium:
		return p.yellow(string(s))
	}
	return p.plain(string(s))
}

func findingLine(p palette, f analysis.Finding) string {
	severity := severityWord(p, f.Severity)
	where := whose(f.Of)
	if where == "" {
		where = string(f.Place)
	}
	alone := ""
	if f.JournalOnly {
		alone = " (journal only)"
	}
	return fmt.Sprintf("%s\t%s\t%s%s", severity, safe(where), safe(f.Sentence), alone)
}

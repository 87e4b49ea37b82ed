package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func activitiesCommand(a *app) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:     "activities [NAME]",
		Short:   "Print the catalog of activities, or all about one of them",
		GroupID: "playbooks",
		Example: `  firebreak activities
  firebreak activities kube.isolate_pod
  firebreak activities --output json kube.isolate_pod`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeOne(func(*cobra.Command) []string { return activityNames(a) }),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := chosen(a.catalog(), args)
			if err != nil {
				return err
			}
			return printActivities(a.stdout, list, len(args) == 1, out)
		},
	}
	out.flag(c, "text", "json", "markdown")
	return c
}

func activityNames(a *app) []string {
	var names []string
	for _, d := range a.catalog().All() {
		names = append(names, d.Name+"\t"+d.Summary)
	}
	return names
}

func chosen(catalog activities.Catalog, args []string) ([]reference, error) {
	var list []reference
	var names []string
	for _, d := range catalog.All() {
		names = append(names, d.Name)
		if len(args) == 1 && args[0] != d.Name {
			continue
		}
		r, err := referenceOf(d)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	if len(list) == 0 && len(args) == 1 {
		return nil, wrong(errors.New("there is no activity \"" + safe(args[0]) + "\"" + syntax.DidYouMean(args[0], names)))
	}
	return list, nil
}

func printActivities(to io.Writer, list []reference, one bool, out output) error {
	switch {
	case out.json() && one:
		return printJSON(to, list[0])
	case out.json():
		return printJSON(to, list)
	case out.form == "markdown":
		return writeMarkdown(to, list)
	case one:
		return writeActivity(to, list[0])
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tEFFECT\tRUNS ON\tWHAT IT DOES")
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Name, r.Effect, r.Place, r.Summary)
	}
	return w.Flush()
}

// writeActivity prints all about one activity for a terminal.
func writeActivity(to io.Writer, r reference) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n  %s\n\n", r.Name, r.Summary)
	for _, line := range r.facts() {
		fmt.Fprintf(w, "  %s\t%s\n", line[0], line[1])
	}
	for _, part := range []struct {
		title  string
		fields []field
	}{{"Input", r.Input}, {"Output", r.Output}} {
		fmt.Fprintf(w, "\n%s\n", part.title)
		for _, f := range part.fields {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", f.Name, f.Type+f.need(), f.Doc)
		}
	}
	fmt.Fprintln(w, "\nPermissions")
	for _, p := range r.Permissions {
		fmt.Fprintf(w, "  %s\t%s\n", permissionText(p), p.Why)
	}
	if len(r.Permissions) == 0 {
		fmt.Fprintln(w, "  none")
	}
	fmt.Fprintf(w, "\nExample\n  %s\n", strings.ReplaceAll(strings.TrimSpace(r.Example), "\n", "\n  "))
	return w.Flush()
}

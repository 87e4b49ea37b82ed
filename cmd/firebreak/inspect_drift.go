package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/analysis"
	"github.com/firebreak-ir/firebreak/forensics/drift"
)

const driftHead = "VERDICT\tWHERE\tWHAT\tPATH"

// showDrift lists what containers made of what their images brought.
func showDrift(ctx context.Context, i *inspection, container string) error {
	v, err := i.volume()
	if err != nil {
		return err
	}
	i.ahead(ctx)
	listing, err := i.containersOn(ctx, v)
	if err != nil {
		return err
	}
	usual := 0
	shown, bar := i.lines(driftHead), i.progress("compare", "layers")
	report, err := analysis.Drift(ctx, v, analysis.DriftOptions{
		Listing: listing, Container: container,
		Begin: func(done, total int) error { return bar.at(int64(done), int64(total)) },
	}, func(ch drift.Change) error {
		if !i.flags.all && !i.flags.out.json() && usualDrift(ch) {
			usual++
			return nil
		}
		return shown.add(ch, driftLine(ch))
	})
	bar.end()
	if container != "" && err == nil && report.Containers == 0 {
		return wrongf("no container %q whose layers are on %s; see `firebreak inspect %s containers`", container, v.Part, i.name)
	}
	for _, problem := range append(listing.Problems, report.Problems...) {
		i.note("%s", problem)
	}
	if err := errors.Join(err, shown.end("no drift")); err != nil {
		return err
	}
	if usual > 0 {
		i.note("%d directories that were added and empty files to mount over are left out; --all shows them", usual)
	}
	i.note("%d containers and %d volumes looked at; %d files that were opened for writing and not changed are left out", report.Containers, report.Volumes, report.Touched)
	return nil
}

// usualDrift tells what every container's layer has: directories, of which what they hold is listed, and the empty files
// that a runtime makes to mount the pod's own over them.
func usualDrift(ch drift.Change) bool {
	if ch.Verdict != drift.Added || ch.New == nil {
		return false
	}
	if ch.New.Type == "dir" {
		return true
	}
	mountPoints := []string{"/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev/termination-log", "/.dockerenv"}
	return ch.New.Size == 0 && slices.Contains(mountPoints, ch.Path)
}

// driftLine is a change on one line.
func driftLine(ch drift.Change) string {
	return fmt.Sprintf("%s\t%s\t%s\t%s", ch.Verdict, safe(whose(ch.Of)), safe(driftWhat(ch)), safe(driftPath(ch)))
}

// whose says of whom a layer or volume is, as a person looks for it.
func whose(of *drift.Attribution) string {
	if of == nil {
		return ""
	}
	if of.Volume != "" {
		return of.Namespace + "/" + of.Pod + " volume " + of.Volume[strings.LastIndex(of.Volume, "/")+1:]
	}
	name := cmp.Or(of.Name, of.Container[:min(len(of.Container), 12)])
	if of.Pod == "" {
		return name
	}
	return of.Namespace + "/" + of.Pod + " " + name
}

// driftWhat is what a file is now, or what of it differs.
func driftWhat(ch drift.Change) string {
	switch {
	case ch.Problem != "" && ch.Verdict == drift.Unread:
		return ch.Problem
	case len(ch.Differs) > 0:
		return strings.Join(ch.Differs, ", ")
	case ch.New != nil:
		return fmt.Sprintf("%s %s, %s", ch.New.Type, ch.New.Mode, quantity(ch.New.Size, "bytes"))
	case ch.Old != nil:
		return "was a " + ch.Old.Type
	}
	return ""
}

func driftPath(ch drift.Change) string {
	p := ch.Path
	if ch.From != "" {
		p += " (was " + ch.From + ")"
	}
	if ch.New != nil && ch.New.SHA256 != "" {
		p += "  sha256:" + ch.New.SHA256
	}
	return p
}

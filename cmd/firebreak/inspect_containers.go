package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/partition"
)

// onVolume is what one file system of the disk holds.
type onVolume struct {
	Part partition.Part `json:"part"`
	containers.Listing
}

func showContainers(ctx context.Context, i *inspection, _ string) error {
	var all []onVolume
	for _, v := range i.image.Volumes {
		if i.flags.partition >= 0 && v.Part.Number != i.flags.partition {
			continue
		}
		i.tell(v)
		listing, err := i.containersOn(ctx, v)
		if err != nil {
			return fmt.Errorf("list containers on %s: %w", v.Part, err)
		}
		all = append(all, onVolume{v.Part, listing})
	}
	for _, u := range i.image.Unread {
		i.note("%s", u)
	}
	if i.flags.out.json() {
		return printJSON(i.stdout, append([]onVolume{}, all...))
	}
	return i.printContainers(all)
}

func (i *inspection) printContainers(all []onVolume) error {
	w := tabwriter.NewWriter(i.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CONTAINER\tSTATE\tPOD\tNAME\tIMAGE\tRUNTIME\tCREATED (UTC)")
	n := 0
	for _, v := range all {
		for _, problem := range v.Problems {
			i.note("%s: %s", v.Part, problem)
		}
		for _, c := range v.Containers {
			n++
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", safe(c.ID[:min(len(c.ID), 12)]), containerState(c), safe(podOf(c)), safe(containerName(c)),
				safe(cut(c.Image, 60)), runtimeOf(c), moment(c.Created))
		}
	}
	if n == 0 {
		_, err := fmt.Fprintln(i.stdout, "no containers")
		return err
	}
	return w.Flush()
}

func containerState(c containers.Container) string {
	state := c.State
	if state == "" {
		state = "unknown"
	}
	if c.Deleted {
		state = "deleted"
	}
	if c.ExitCode != nil {
		state += fmt.Sprintf(" (%d)", *c.ExitCode)
	}
	return state
}

func podOf(c containers.Container) string {
	if c.Pod == "" {
		return ""
	}
	return c.PodNamespace + "/" + c.Pod
}

func containerName(c containers.Container) string {
	if c.Sandbox {
		return "(pause)"
	}
	return c.Name
}

func runtimeOf(c containers.Container) string {
	if c.Namespace == "" {
		return c.Runtime
	}
	return c.Runtime + "/" + safe(c.Namespace)
}

// moment gives a time to the second; nothing where the disk does not say.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

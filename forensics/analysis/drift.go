package analysis

import (
	"context"
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/overlay"
)

// DriftOptions choose whose changes are looked for.
type DriftOptions struct {
	Listing containers.Listing // as containers.List gave it
	// Container is an id, the beginning of one, or a name; empty stands for all containers and the volumes of their pods.
	Container string
	Limits    drift.Options
	// Progress is told whose layer is read, and how many there are; its error ends the work.
	Progress func(done, total int, of drift.Attribution) error
}

// DriftReport says what was compared, and what could not be.
type DriftReport struct {
	Containers int                   `json:"containers"` // whose layers were compared
	Volumes    int                   `json:"volumes"`    // of pods that were listed
	Changes    map[drift.Verdict]int `json:"changes"`
	Touched    int                   `json:"touched"` // files that were copied up and not changed: no drift
	Unhashed   int                   `json:"unhashed,omitempty"`
	Problems   []string              `json:"problems,omitempty"`
}

// Drift gives to do every change that containers made to what their images brought, and every file in the volumes of
// their pods that lie on the node's disk: container after container in the order of the listing, then the volumes by their
// paths. Damage is in the report and in changes of their own; an error is the context's, do's or Progress's.
func Drift(ctx context.Context, v image.Volume, opts DriftOptions, do func(drift.Change) error) (DriftReport, error) {
	d := &drifting{ctx: ctx, v: v, opts: opts, do: do, report: DriftReport{Changes: map[drift.Verdict]int{}}}
	work := append(d.containers(), d.volumes()...)
	for n, one := range work {
		if opts.Progress != nil {
			if err := opts.Progress(n, len(work), one.of); err != nil {
				return d.report, err
			}
		}
		if err := d.compare(one); err != nil {
			return d.report, err
		}
	}
	return d.report, nil
}

type drifting struct {
	ctx    context.Context
	v      image.Volume
	opts   DriftOptions
	do     func(drift.Change) error
	report DriftReport
}

// place is one layer or volume to be looked at.
type place struct {
	of     drift.Attribution
	layers []overlay.Layer // the last is looked at; with no others nothing stands behind it
	marks  overlay.Namespace
}

func (d *drifting) containers() []place {
	var out []place
	for _, c := range d.opts.Listing.Containers {
		switch {
		case !d.wanted(c):
		case len(c.Layers) > 1:
			out = append(out, d.layersOf(c))
			d.report.Containers++
		case !c.Deleted:
			d.problem("container %q: its layers are not known, so that what it changed is not", c.ID)
		}
	}
	return out
}

func (d *drifting) layersOf(c containers.Container) place {
	p := place{of: AttributionOf(c), marks: overlay.Trusted}
	if c.Rootless {
		p.marks = overlay.User
	}
	for _, dir := range c.Layers {
		p.layers = append(p.layers, overlay.Layer{Tree: d.v.FS, Root: dir})
	}
	return p
}

func (d *drifting) wanted(c containers.Container) bool {
	return d.opts.Container == "" || strings.HasPrefix(c.ID, d.opts.Container) || c.Name == d.opts.Container
}

// volumes are those of pods that keep what is written to them on the node's disk.
func (d *drifting) volumes() []place {
	if d.opts.Container != "" {
		return nil
	}
	var out []place
	for _, pod := range d.opts.Listing.Pods {
		for _, dir := range pod.EmptyDirs() {
			of := drift.Attribution{Pod: pod.Name, Namespace: pod.Namespace, PodUID: pod.UID, ServiceAccount: pod.ServiceAccount, Volume: dir}
			out = append(out, place{of: of, layers: []overlay.Layer{{Tree: d.v.FS, Root: dir}}})
			d.report.Volumes++
		}
	}
	return out
}

// AttributionOf says whose a container's layer is.
func AttributionOf(c containers.Container) drift.Attribution {
	return drift.Attribution{
		Runtime: c.Runtime, Container: c.ID, Name: c.Name, Image: c.Image, Pod: c.Pod, PodUID: c.PodUID, Namespace: c.PodNamespace,
		ServiceAccount: c.ServiceAccount, Node: c.Node,
	}
}

func (d *drifting) problem(format string, args ...any) {
	d.report.Problems = append(d.report.Problems, fmt.Sprintf(format, args...))
}

func (d *drifting) compare(p place) error {
	limits := d.opts.Limits
	limits.Of, limits.Marks = &p.of, p.marks
	var summary drift.Summary
	var err error
	if len(p.layers) == 1 {
		summary, err = drift.Everything(d.ctx, p.layers[0], limits, d.do)
	} else {
		summary, err = drift.Compare(d.ctx, p.layers, limits, d.do)
	}
	for verdict, n := range summary.Changes {
		d.report.Changes[verdict] += n
	}
	d.report.Touched += summary.Touched
	d.report.Unhashed += summary.Unhashed
	for _, note := range summary.Notes {
		d.problem("%s: %s", p.of.Container+p.of.Volume, note)
	}
	if summary.More > 0 {
		d.problem("%s: %d more changes than are listed", p.of.Container+p.of.Volume, summary.More)
	}
	return err
}

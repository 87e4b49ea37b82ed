package analysis

import (
	"context"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/findings"
	"github.com/firebreak-ir/firebreak/forensics/image"
)

// DriftOptions choose whose changes are looked for.
type DriftOptions struct {
	Listing containers.Listing // as containers.List gave it
	// Container is an id, the beginning of one, or a name; empty stands for all containers and the volumes of their pods.
	Container string
	Limits    drift.Options
	// Begin is told before a container or volume is looked at, with how many come before it and about how many there are; its
	// error ends the work.
	Begin func(done, total int) error
}

// search is what is searched: all containers and volumes, or one container.
func (o DriftOptions) search(v image.Volume, judge *findings.Judge) findings.Search {
	s := findings.Search{Disk: v.FS, Partition: v.Part.Number, Listing: o.Listing, Judge: judge, Drift: o.Limits, Begin: o.Begin}
	if o.Container == "" {
		return s
	}
	s.Listing.Containers, s.Listing.Pods = nil, nil
	for _, c := range o.Listing.Containers {
		if strings.HasPrefix(c.ID, o.Container) || c.Name == o.Container {
			s.Listing.Containers = append(s.Listing.Containers, c)
		}
	}
	return s
}

// Drift gives to do every change that containers made to what their images brought, and every file in the volumes of
// their pods that lie on the node's disk: container after container in the order of the listing, then the volumes.
// Damage is in the report and in changes of their own; an error is the context's, do's or Begin's.
func Drift(ctx context.Context, v image.Volume, opts DriftOptions, do func(drift.Change) error) (findings.Report, error) {
	return opts.search(v, nil).Run(ctx, func(s findings.Subject, _ findings.Judgement) error { return do(s.Change) })
}

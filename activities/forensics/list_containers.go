package forensics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/partition"
)

// ListContainersOutput is the output of forensics.list_containers.
type ListContainersOutput struct {
	activities.Result

	Containers []Listed       `json:"containers" doc:"The first containers, the running ones first; all are in the evidence"`
	Total      int            `json:"total" doc:"How many containers the disk holds"`
	Stores     []string       `json:"stores" doc:"Where on the disk the runtimes keep them"`
	Journal    Journal        `json:"journal" doc:"What only the file system's journal held"`
	Warnings   []string       `json:"warnings,omitempty" doc:"What could not be read, and where"`
	Items      []custody.Item `json:"items" doc:"The evidence"`
}

// Listed is one container as the disk describes it: an attacker may have chosen every word.
type Listed struct {
	ID           string    `json:"id" doc:"The container's id"`
	Name         string    `json:"name,omitempty" doc:"Its name"`
	Image        string    `json:"image,omitempty" doc:"Its image"`
	State        string    `json:"state,omitempty" doc:"created, running or exited when the disk was taken"`
	ExitCode     *int      `json:"exitCode,omitempty" doc:"Of an exited one"`
	Pod          string    `json:"pod,omitempty" doc:"Its Kubernetes pod"`
	PodNamespace string    `json:"podNamespace,omitempty" doc:"The pod's namespace"`
	PodUID       string    `json:"podUID,omitempty" doc:"The pod's UID"`
	Sandbox      bool      `json:"sandbox,omitempty" doc:"True for a pod's pause container"`
	Runtime      string    `json:"runtime" doc:"containerd or docker"`
	Namespace    string    `json:"namespace,omitempty" doc:"containerd's namespace"`
	Created      time.Time `json:"created,omitzero" doc:"When it was made"`
	Started      time.Time `json:"started,omitzero" doc:"When it was started"`
	Finished     time.Time `json:"finished,omitzero" doc:"When it ended"`
	Layer        string    `json:"layer,omitempty" doc:"On the disk: where its own changes lie"`
	Log          string    `json:"log,omitempty" doc:"On the node: its log"`
	Deleted      bool      `json:"deleted,omitempty" doc:"True where the runtime's store does not know it any more: it was recovered, or only its directories are left"`
}

// ListContainers declares forensics.list_containers.
func ListContainers(d Deps) activities.Definition {
	return activities.Define(activities.Activity[ImageInput, ListContainersOutput]{
		Name:        "forensics.list_containers",
		Summary:     "Lists the containers on a disk image from containerd's and Docker's own stores, the file system's journal replayed.",
		Effect:      activities.Capture,
		Volatility:  activities.Disk,
		Place:       activities.OnAnalysis,
		Idempotency: "The same image gives the same list, which is evidence and is written once for one key.",
		Timeout:     30 * time.Minute,
		Heartbeat:   15 * time.Second,
		Example: `id: containers
phase: analyze
uses: forensics.list_containers
with: {image: data/snap-0123456789abcdef0/image.raw}
`,
		Run: containerLister{d}.run,
	})
}

type containerLister struct{ Deps }

// onPart is what one file system of the image holds.
type onPart struct {
	Part partition.Part `json:"part"`
	containers.Listing
}

func (l containerLister) run(ctx context.Context, call activities.Call, in ImageInput) (ListContainersOutput, error) {
	if call.DryRun {
		return ListContainersOutput{
			Result: would(in.Image, "list the containers on the image"), Containers: []Listed{}, Stores: []string{}, Items: []custody.Item{},
		}, nil
	}
	p, release, err := l.begin(ctx, call)
	if err != nil {
		return ListContainersOutput{}, err
	}
	defer release()
	image, err := openImage(p, in.Image)
	if err != nil {
		return ListContainersOutput{}, err
	}
	defer image.close()
	if len(image.volumes) == 0 {
		return ListContainersOutput{
			Result: image.nothing(), Containers: []Listed{}, Stores: []string{}, Warnings: warningsOf(image.damage()), Items: []custody.Item{},
		}, nil
	}
	all, err := listAll(ctx, p, image)
	if err != nil {
		return ListContainersOutput{}, err
	}
	item, err := p.putJSON(ctx, beside(in.Image, "containers.json"), "containers", map[string]any{"image": in.Image, "volumes": all, "damage": image.damage()})
	if err != nil {
		return ListContainersOutput{}, err
	}
	return listOutput(image, all, item), nil
}

func listAll(ctx context.Context, p paper, image opened) ([]onPart, error) {
	var out []onPart
	for _, v := range image.volumes {
		scratch, err := p.emptyScratch("databases")
		if err != nil {
			return nil, err
		}
		activities.Report(ctx, activities.Progress{Message: "list the containers on " + v.Part.String()})
		listing, err := containers.List(ctx, v.FS, scratch)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("list containers on %s", v.Part), err)
		}
		out = append(out, onPart{v.Part, listing})
	}
	return out, nil
}

func listOutput(image opened, all []onPart, item custody.Item) ListContainersOutput {
	out := ListContainersOutput{Journal: image.journal(), Items: []custody.Item{item}}
	warnings, stores, containers := image.damage(), []string{}, []Listed{}
	for _, v := range all {
		for _, r := range v.Roots {
			stores = append(stores, oneLine(fmt.Sprintf("%s: /%s", r.Kind, r.Path)))
		}
		for _, c := range v.Containers {
			containers = append(containers, listed(c))
		}
		for _, problem := range v.Problems {
			warnings = append(warnings, oneLine(problem))
		}
	}
	slices.SortStableFunc(containers, func(a, b Listed) int { return a.rank() - b.rank() })
	out.Total, out.Containers = len(containers), fit(containers, listRoom)
	out.Stores, out.Warnings = fitTexts(stores, len(stores), storeRoom), warningsOf(warnings)
	out.Result = done("%s on the disk in %s, %d of them running%s%s%s", count(out.Total-deleted(containers), "container"), count(len(stores), "store"),
		running(containers), andDeleted(deleted(containers)), more(out.Total-len(out.Containers)), image.missed())
	return out
}

// rank puts what ran first, then the pause containers, and last what is deleted.
func (l Listed) rank() int {
	switch {
	case l.Deleted:
		return 3
	case l.Sandbox:
		return 2
	case l.State != "running":
		return 1
	}
	return 0
}

func deleted(all []Listed) int {
	n := 0
	for _, l := range all {
		if l.Deleted {
			n++
		}
	}
	return n
}

// andDeleted says how many more containers only traces are left of; nothing where there are none.
func andDeleted(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and traces of %d that were deleted", n)
}

func running(all []Listed) int {
	n := 0
	for _, l := range all {
		if l.State == "running" && !l.Deleted {
			n++
		}
	}
	return n
}

func listed(c containers.Container) Listed {
	return Listed{
		ID: oneLine(c.ID), Name: oneLine(c.Name), Image: oneLine(c.Image), State: c.State, ExitCode: c.ExitCode, Pod: oneLine(c.Pod),
		PodNamespace: oneLine(c.PodNamespace), PodUID: oneLine(c.PodUID), Sandbox: c.Sandbox, Runtime: c.Runtime,
		Namespace: oneLine(c.Namespace), Created: c.Created, Started: c.Started, Finished: c.Finished, Layer: oneLine(c.Layer), Log: oneLine(c.Log), Deleted: c.Deleted,
	}
}

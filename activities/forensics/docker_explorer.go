package forensics

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/extract"
	"github.com/firebreak-ir/firebreak/forensics/image"
)

// DockerExplorerOutput is the output of forensics.docker_explorer.
type DockerExplorerOutput struct {
	activities.Result

	Containers []Explored     `json:"containers" doc:"The first containers that docker-explorer lists; its whole answer is in the evidence"`
	Total      int            `json:"total" doc:"How many it lists"`
	Warnings   []string       `json:"warnings,omitempty" doc:"What it, or the copy that it read, left out"`
	Items      []custody.Item `json:"items,omitempty" doc:"The evidence: its answers as they came"`
}

// Explored is one container in docker-explorer's words, which are the disk's and may be an attacker's.
type Explored struct {
	ID      string `json:"id" doc:"The container's id"`
	Image   string `json:"image,omitempty" doc:"Name of its image"`
	ImageID string `json:"imageID,omitempty" doc:"SHA-256 of its image"`
	Started string `json:"started,omitempty" doc:"When it was started"`
	Layer   string `json:"layer,omitempty" doc:"On the disk: where its own changes lie"`
	Log     string `json:"log,omitempty" doc:"On the node: its log"`
}

// DockerExplorer declares forensics.docker_explorer.
func DockerExplorer(d Deps) activities.Definition {
	return activities.Define(activities.Activity[ImageInput, DockerExplorerOutput]{
		Name:        "forensics.docker_explorer",
		Summary:     "Runs docker-explorer on a copy of the Docker metadata of a disk image, without a mount and without root.",
		Effect:      activities.Capture,
		Volatility:  activities.Disk,
		Place:       activities.OnAnalysis,
		Idempotency: "The same image gives the same answer, which is evidence and is written once for one key.",
		Timeout:     30 * time.Minute,
		Heartbeat:   15 * time.Second,
		Example: `id: explore
phase: analyze
uses: forensics.docker_explorer
with: {image: data/snap-0123456789abcdef0/image.raw}
`,
		Run: dockerExplorer{d}.run,
	})
}

type dockerExplorer struct{ Deps }

// dockerStore is one Docker store on an image.
type dockerStore struct {
	volume image.Volume
	root   string
}

func (x dockerExplorer) run(ctx context.Context, call activities.Call, in ImageInput) (DockerExplorerOutput, error) {
	if call.DryRun {
		return DockerExplorerOutput{Result: would(in.Image, "run docker-explorer on the image"), Containers: []Explored{}}, nil
	}
	p, release, err := x.begin(ctx, call)
	if err != nil {
		return DockerExplorerOutput{}, err
	}
	defer release()
	image, err := openImage(p, in.Image)
	if err != nil {
		return DockerExplorerOutput{}, err
	}
	defer image.close()
	stores, err := dockerStores(ctx, image)
	if err != nil {
		return DockerExplorerOutput{}, err
	}
	out := DockerExplorerOutput{Containers: []Explored{}, Warnings: warningsOf(image.damage())}
	switch {
	case len(image.volumes) == 0:
		out.Result = image.nothing()
		return out, nil
	case len(stores) == 0:
		out.Result = activities.Result{Status: activities.Skipped, Summary: "the disk holds no Docker store" + image.missed()}
		return out, nil
	}
	return x.exploreAll(ctx, p, in.Image, image, stores)
}

func dockerStores(ctx context.Context, image opened) ([]dockerStore, error) {
	var out []dockerStore
	for _, v := range image.volumes {
		roots, _, err := containers.Roots(ctx, v.FS)
		if err != nil {
			return nil, fmt.Errorf("search %s for stores: %w", v.Part, err)
		}
		for _, r := range roots {
			if r.Kind == containers.Docker {
				out = append(out, dockerStore{v, r.Path})
			}
		}
	}
	return out, nil
}

const maxStores = 5 // an attacker can plant any number; each has explorerTime of the step's half hour

func (x dockerExplorer) exploreAll(ctx context.Context, p paper, name string, image opened, stores []dockerStore) (DockerExplorerOutput, error) {
	out := DockerExplorerOutput{}
	containers, warnings := []Explored{}, image.damage()
	var refused []error
	if len(stores) > maxStores {
		warnings = append(warnings, fmt.Sprintf("the disk holds %d Docker stores; only the first %d were explored", len(stores), maxStores))
		stores = stores[:maxStores]
	}
	for i, s := range stores {
		activities.Report(ctx, activities.Progress{Done: int64(i), Total: int64(len(stores)), Unit: "stores", Message: oneLine("explore /" + s.root)})
		answer, left, err := x.explore(ctx, p, s)
		if _, permanent := activities.KindOf(err); permanent { // of this store: an attacker may have planted it
			refused = append(refused, err)
			warnings = append(warnings, oneLine(fmt.Sprintf("/%s was not explored: %s", s.root, err)))
			continue
		}
		if err != nil {
			return DockerExplorerOutput{}, err
		}
		items, err := keepAnswer(ctx, p, name, i, answer, left)
		if err != nil {
			return DockerExplorerOutput{}, err
		}
		out.Items = append(out.Items, items...)
		for _, w := range append(left, answer.warnings...) {
			warnings = append(warnings, oneLine(w))
		}
		containers = append(containers, answer.explored(s.root)...)
	}
	if len(refused) == len(stores) {
		return DockerExplorerOutput{}, refused[0]
	}
	out.Total, out.Containers, out.Warnings = len(containers), fit(containers, listRoom), warningsOf(warnings)
	out.Result = done("docker-explorer lists %s in %s%s%s", count(out.Total, "container"), count(len(stores)-len(refused), "Docker store"),
		more(out.Total-len(out.Containers)), image.missed())
	return out, nil
}

// keepAnswer makes evidence of an answer as it came, and of what the tool was not shown.
func keepAnswer(ctx context.Context, p paper, image string, i int, a answer, left []string) ([]custody.Item, error) {
	item, err := p.put(ctx, beside(image, answerName("docker-explorer", i)), "docker-explorer", a.write)
	if err != nil || len(left) == 0 {
		return []custody.Item{item}, err
	}
	more, err := p.putJSON(ctx, beside(image, answerName("docker-explorer-left", i)), "docker-explorer", left)
	return []custody.Item{item, more}, err
}

func answerName(base string, i int) string {
	if i == 0 {
		return base + ".json"
	}
	return fmt.Sprintf("%s-%d.json", base, i+1)
}

// copied is the directory below the scratch directory that docker-explorer is shown. It is named without its place on
// this machine, so that the answer does not depend on it.
const copied = "docker"

// explore copies what docker-explorer reads out of the image and runs it there.
func (x dockerExplorer) explore(ctx context.Context, p paper, s dockerStore) (answer, []string, error) {
	scratch, err := p.emptyScratch("explore")
	if err != nil {
		return answer{}, nil, err
	}
	into, err := p.emptyScratch(path.Join("explore", copied))
	if err != nil {
		return answer{}, nil, err
	}
	root, err := resolved(s)
	if err != nil {
		return answer{}, nil, err
	}
	result, err := extract.Tree(ctx, s.volume, root, into, extract.Options{Keep: metadata, MaxFileBytes: 16 << 20, MaxBytes: 512 << 20})
	if errors.Is(err, extract.ErrTooMuch) {
		return answer{}, nil, activities.Permanent(activities.Unsupported, fmt.Errorf("copy the metadata of /%s: %w", s.root, err),
			"the store is larger than any real one; forensics.list_containers reads it without a copy")
	}
	if err != nil {
		return answer{}, nil, fmt.Errorf("copy the metadata of /%s out of the image: %w", s.root, err)
	}
	var left []string
	for _, l := range result.Left {
		left = append(left, fmt.Sprintf("/%s was not copied for docker-explorer: %s", l.Path, l.Why))
	}
	a, err := runExplorer(ctx, x.DockerExplorer, scratch)
	return a, left, err
}

// metadata keeps what docker-explorer's list command reads: the containers' configurations and the image store, no logs
// and no layers.
func metadata(rel string, dir bool) bool {
	first, rest, _ := strings.Cut(rel, "/")
	switch first {
	case "image":
		return true
	case "containers":
		return dir && strings.Count(rest, "/") == 0 || path.Base(rel) == "config.v2.json" || path.Base(rel) == "config.json"
	}
	return false
}

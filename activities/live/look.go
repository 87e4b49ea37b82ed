package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// sight is one kind of look: what is printed and how it is read. T is what becomes evidence of one container.
type sight[T any] struct {
	purpose string // proc or sock, part of names
	folder  string // of the case
	script  string
	parse   func(text []byte) (T, error)
}

// Taken is the part of a file of evidence that says whose it is.
type Taken struct {
	Pod       PodRef    `json:"pod"`
	Container string    `json:"container"`
	Image     string    `json:"probe"` // of the ephemeral container that looked
	At        time.Time `json:"at"`    // by the node's clock
}

type kept[T any] struct {
	Taken

	Found T `json:"found"`
}

// seen is what a look gave of one container.
type seen[T any] struct {
	kept[T]

	item custody.Item
}

// look looks into every running container that no attempt before has looked into, and gives what is evidence by then.
func (s sight[T]) look(ctx context.Context, l looking, store Store, to string) (all []seen[T], unseen []Unseen, err error) {
	if err := activities.CheckStore(store, to); err != nil {
		return nil, nil, err
	}
	pod, err := getPod(ctx, l.k, l.pod)
	if err != nil {
		return nil, nil, err
	}
	l.purpose, l.script = s.purpose, s.script
	containers, unseen := running(pod)
	if l.call.DryRun {
		return s.rehearse(ctx, l, pod, containers, unseen)
	}
	c, by, err := open(store, l.call)
	if err != nil {
		return nil, nil, err
	}
	items, err := c.Kept(ctx, by)
	if err != nil {
		return nil, nil, err
	}
	missing := slices.DeleteFunc(slices.Clone(containers), func(name string) bool {
		return slices.ContainsFunc(items, func(i custody.Item) bool { return i.Path == s.file(l.pod, name) })
	})
	more, failures, err := s.keep(ctx, l, pod, missing, c, by)
	if err != nil {
		return nil, nil, err
	}
	unseen = append(unseen, failures...)
	if items = append(items, more...); len(items) == 0 {
		return nil, nil, blind(l.pod, unseen)
	}
	all, err = readBack[T](c, items)
	return all, unseen, err
}

// rehearse asks the API server whether it would take the ephemeral containers.
func (s sight[T]) rehearse(ctx context.Context, l looking, pod *corev1.Pod, containers []string, unseen []Unseen) ([]seen[T], []Unseen, error) {
	if err := l.start(ctx, pod, containers); err != nil {
		return nil, nil, err
	}
	all := []seen[T]{}
	for _, name := range containers {
		one := seen[T]{item: custody.Item{Path: s.file(l.pod, name)}}
		one.Container = name
		all = append(all, one)
	}
	return all, unseen, nil
}

func (s sight[T]) keep(ctx context.Context, l looking, pod *corev1.Pod, containers []string, c *custody.Case, by custody.By) ([]custody.Item, []Unseen, error) {
	if len(containers) == 0 {
		return nil, nil, nil
	}
	answers, err := l.beside(ctx, pod, containers)
	if err != nil {
		return nil, nil, err
	}
	var items []custody.Item
	var unseen []Unseen
	for _, a := range answers {
		found, why := s.read(a)
		if why != "" {
			unseen = append(unseen, Unseen{a.container, why})
			continue
		}
		file := kept[T]{Taken{l.pod, a.container, l.image(), a.ended.UTC()}, found}
		item, err := c.Put(ctx, by, s.file(l.pod, a.container), s.folder, func(w io.Writer) error { return writeJSON(w, file) })
		if err != nil {
			return nil, nil, fmt.Errorf("%s of container %q: %w", s.folder, a.container, writtenOnce(err))
		}
		items = append(items, item)
	}
	return items, unseen, nil
}

func (s sight[T]) read(a printed) (found T, why string) {
	if a.why != "" {
		return found, a.why
	}
	found, err := s.parse(a.text)
	if err != nil {
		return found, err.Error()
	}
	return found, ""
}

// file is the place of one container's evidence. All parts are names that the API server has checked.
func (s sight[T]) file(pod PodRef, container string) string {
	return path.Join("data", s.folder, pod.Namespace, pod.Name+"-"+pod.UID, container+".json")
}

// blind is the failure of a look that saw nothing.
func blind(pod PodRef, unseen []Unseen) error {
	var why []string
	for _, u := range unseen {
		why = append(why, fmt.Sprintf("container %q: %s", u.Container, u.Why))
	}
	if len(why) == 0 {
		why = []string{"no container runs"}
	}
	return activities.Permanent(activities.Unsupported, fmt.Errorf("look into %s: %s", pod, strings.Join(why, "; ")),
		"check that the node can get the image of the probe (`tools.probeImage`) and starts ephemeral containers; else look from the node itself")
}

func readBack[T any](c *custody.Case, items []custody.Item) ([]seen[T], error) {
	var all []seen[T]
	for _, item := range items {
		raw, err := readEvidence(c, item)
		if err != nil {
			return nil, err
		}
		one := seen[T]{item: item}
		if err := json.Unmarshal(raw, &one.kept); err != nil {
			return nil, fmt.Errorf("decode evidence %q: %w", item.Path, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func readEvidence(c *custody.Case, item custody.Item) ([]byte, error) {
	name, err := c.Path(item.Path)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read evidence back: %w", err)
	}
	return raw, nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// wouldLook is the result of a dry run.
func wouldLook[T any](l looking, all []seen[T], what string) activities.Result {
	r := activities.Result{Status: activities.Done, Summary: fmt.Sprintf("would read the %s of %s in %d containers", what, l.pod, len(all))}
	for _, one := range all {
		r.Would = append(r.Would,
			activities.Difference{Object: l.pod.String(), Field: "spec.ephemeralContainers", To: l.image() + " beside container " + one.Container},
			activities.Difference{Object: one.item.Path, Field: "content", To: what + " of container " + one.Container})
	}
	return r
}

// notSeen ends a summary with what could not be looked into.
func notSeen(unseen []Unseen) string {
	var words []string
	for _, u := range unseen {
		words = append(words, u.Container+" ("+u.Why+")")
	}
	if len(words) == 0 {
		return ""
	}
	return "; not looked into: " + strings.Join(words, ", ")
}

var errTorn = errors.New("what the ephemeral container printed is not whole")

package kube

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities"
)

// token shortens what it is given to a part of a name that is unique to it.
func token(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// labelMark stands in an annotation of a labelled object, one a case: what each label was, and what we made of it.
type labelMark struct {
	Case   string               `json:"case"`
	Labels map[string]labelPast `json:"labels"`
}

// labelPast is one label's history. Was is nil where there was no such label.
type labelPast struct {
	Was *string `json:"was"`
	Set string  `json:"set"`
}

const labelMarkPrefix = prefix + "labels."

func labelMarkKey(caseID string) string { return labelMarkPrefix + token(caseID) }

// readMark decodes an annotation of ours. One that does not decode was changed by somebody else: guessing at it could
// restore the wrong thing.
func readMark(annotations map[string]string, key string, into any) (found bool, err error) {
	raw, found := annotations[key]
	if !found {
		return false, nil
	}
	if err := json.Unmarshal([]byte(raw), into); err != nil {
		return true, activities.Permanent(activities.Conflict, fmt.Errorf("annotation %q does not decode: %w", key, err),
			"restore the object by hand and remove the annotation")
	}
	return true, nil
}

func writeMark(c *change, key string, mark any) error {
	raw, err := json.Marshal(mark)
	if err != nil {
		return fmt.Errorf("annotation %q: %w", key, err)
	}
	text := string(raw)
	c.annotations[key] = &text
	return nil
}

// setLabels is the change that gives an object the wanted labels and remembers what they were. A label that our case
// has written before keeps its first past.
func setLabels(caseID string, labels, annotations, wanted map[string]string) (*change, error) {
	mark := labelMark{Case: caseID}
	if _, err := readMark(annotations, labelMarkKey(caseID), &mark); err != nil {
		return nil, err
	}
	if mark.Labels == nil {
		mark.Labels = map[string]labelPast{}
	}
	c := newChange()
	for key, value := range wanted {
		past, ours := mark.Labels[key]
		now, there := labels[key]
		if there && now == value {
			continue
		}
		if !ours || !there || now != past.Set {
			past.Was = pointerIf(there, now)
		}
		mark.Labels[key] = labelPast{Was: past.Was, Set: value}
		c.labels[key] = &value
	}
	if c.empty() {
		return c, nil
	}
	return c, writeMark(c, labelMarkKey(caseID), mark)
}

// restoreLabels is the change that takes back those of our case's labels that still have the value we gave them.
func restoreLabels(caseID string, labels, annotations map[string]string, only map[string]string) (*change, error) {
	c, mark := newChange(), labelMark{}
	found, err := readMark(annotations, labelMarkKey(caseID), &mark)
	if err != nil || !found {
		return c, err
	}
	for _, key := range slices.Sorted(maps.Keys(only)) {
		past, ours := mark.Labels[key]
		if !ours {
			continue
		}
		delete(mark.Labels, key)
		if now, there := labels[key]; there && now == past.Set {
			c.labels[key] = past.Was
		} else if err := handOver(c, caseID, annotations, key, past); err != nil {
			return nil, err
		}
	}
	if len(mark.Labels) > 0 {
		return c, writeMark(c, labelMarkKey(caseID), mark)
	}
	c.annotations[labelMarkKey(caseID)] = nil
	return c, nil
}

// handOver gives our past of a label to the case that wrote over us, so that its undo restores what was before both.
func handOver(c *change, caseID string, annotations map[string]string, key string, past labelPast) error {
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		if !strings.HasPrefix(name, labelMarkPrefix) || name == labelMarkKey(caseID) {
			continue
		}
		var other labelMark
		if _, err := readMark(current(annotations, c, name), name, &other); err != nil {
			return err
		}
		if theirs, ok := other.Labels[key]; ok && theirs.Was != nil && *theirs.Was == past.Set {
			other.Labels[key] = labelPast{Was: past.Was, Set: theirs.Set}
			return writeMark(c, name, other)
		}
	}
	return nil
}

// current is the annotations as they will be once c is applied, for one name.
func current(annotations map[string]string, c *change, name string) map[string]string {
	if text := c.annotations[name]; text != nil {
		return map[string]string{name: *text}
	}
	return annotations
}

// labelled is the output of both label activities.
func labelled(call activities.Call, object string, read metav1.Object, c *change) LabelOut {
	out := LabelOut{UID: string(read.GetUID()), Changed: slices.Sorted(maps.Keys(c.labels))}
	out.Status = activities.Done
	switch {
	case c.empty():
		out.Summary = object + " has the wanted labels"
	case call.DryRun:
		out.Would = c.would(object, read)
		out.Summary = fmt.Sprintf("would label %s: %s", object, strings.Join(out.Changed, ", "))
	default:
		out.Summary = fmt.Sprintf("labelled %s: %s", object, strings.Join(out.Changed, ", "))
	}
	return out
}

func checkLabels(labels map[string]string) error {
	if len(labels) == 0 {
		return activities.Invalid(errors.New("no labels are given"), "name at least one label under `labels`")
	}
	for key := range labels {
		if strings.HasPrefix(key, quarantinePrefix) {
			return activities.Invalid(fmt.Errorf("label %q belongs to kube.isolate_pod", key), "choose another label")
		}
	}
	return nil
}

func pointerIf(there bool, value string) *string {
	if !there {
		return nil
	}
	return &value
}

// orEmpty gives an expression that reads the output a list to look at, never null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

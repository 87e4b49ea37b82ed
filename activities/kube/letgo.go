package kube

import (
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// release is what taking labels off a pod comes to.
type release struct {
	left     map[string]string // the labels that stay
	stripped map[string]string // the labels that are taken off
	released []string          // who lets go of the pod
	still    []string          // who selects it none the less: a selector may ask for a label's absence
}

// letGo takes off everything by which one of the takers selects the pod.
func letGo(podLabels map[string]string, takers []selecting) (release, error) {
	r := release{left: maps.Clone(podLabels), stripped: map[string]string{}}
	if r.left == nil {
		r.left = map[string]string{}
	}
	before, err := taking(podLabels, takers)
	if err != nil {
		return r, err
	}
	for _, s := range before {
		for _, key := range s.keys() {
			if value, there := r.left[key]; there {
				r.stripped[key] = value
				delete(r.left, key)
			}
		}
	}
	after, err := taking(r.left, takers)
	if err != nil {
		return r, err
	}
	r.still = names(after)
	r.released = slices.DeleteFunc(names(before), func(s string) bool { return slices.Contains(r.still, s) })
	return r, nil
}

func taking(podLabels map[string]string, takers []selecting) ([]selecting, error) {
	var out []selecting
	for _, s := range takers {
		selector, err := metav1.LabelSelectorAsSelector(s.selector) // none selects nothing
		if err != nil {
			return nil, fmt.Errorf("selector of %s: %w", s.what, err)
		}
		if selector.Matches(labels.Set(podLabels)) {
			out = append(out, s)
		}
	}
	return out, nil
}

func names(list []selecting) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, s.what)
	}
	slices.Sort(out)
	return out
}

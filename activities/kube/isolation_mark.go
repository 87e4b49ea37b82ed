package kube

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const isolationMarkPrefix = prefix + "isolation."

// isolationMark stands in an annotation of the pod: the selector labels that this case took off it, and who let go of
// it thereby.
type isolationMark struct {
	Case     string            `json:"case"`
	Stripped map[string]string `json:"stripped"`
	Released []string          `json:"released,omitempty"`
}

// readMark gives what the case has noted on the pod so far.
func (q quarantine) readMark(pod *corev1.Pod) (isolationMark, bool, error) {
	mark := isolationMark{Case: q.caseID}
	found, err := readMark(pod.Annotations, q.markKey(), &mark)
	if mark.Stripped == nil {
		mark.Stripped = map[string]string{}
	}
	return mark, found, err
}

// apply is the change that puts our label on the pod, takes the stripped ones off, and remembers them.
func (q quarantine) apply(pod *corev1.Pod, r release) (*change, isolationMark, error) {
	c := newChange()
	mark, found, err := q.readMark(pod)
	if err != nil {
		return nil, mark, err
	}
	if pod.Labels[q.label()] != q.caseID {
		c.labels[q.label()] = &q.caseID
	}
	for key, value := range r.stripped {
		mark.Stripped[key] = value
		c.labels[key] = nil
	}
	for _, who := range r.released {
		if !slices.Contains(mark.Released, who) {
			mark.Released = append(mark.Released, who)
		}
	}
	if found && c.empty() {
		return c, mark, nil
	}
	return c, mark, writeMark(c, q.markKey(), mark)
}

// restore is the change that takes our label off and puts the stripped ones back, where nobody has set them since. As
// long as another case isolates the pod, it is given them to put back instead.
func (q quarantine) restore(pod *corev1.Pod) (*change, error) {
	c := newChange()
	if pod.Labels[q.label()] == q.caseID {
		c.labels[q.label()] = nil
	}
	mark, found, err := q.readMark(pod)
	if err != nil || !found {
		return c, err
	}
	c.annotations[q.markKey()] = nil
	if heir := q.heir(pod); heir != "" {
		return c, bequeath(c, pod, heir, mark.Stripped)
	}
	for key, value := range mark.Stripped {
		if _, there := pod.Labels[key]; !there {
			c.labels[key] = &value
		}
	}
	return c, nil
}

// heir is the annotation of another case that isolates this pod too.
func (q quarantine) heir(pod *corev1.Pod) string {
	var others []string
	for key := range pod.Annotations {
		if strings.HasPrefix(key, isolationMarkPrefix) && key != q.markKey() {
			others = append(others, key)
		}
	}
	if len(others) == 0 {
		return ""
	}
	return slices.Min(others)
}

func bequeath(c *change, pod *corev1.Pod, heir string, stripped map[string]string) error {
	var mark isolationMark
	if _, err := readMark(pod.Annotations, heir, &mark); err != nil {
		return err
	}
	if mark.Stripped == nil {
		mark.Stripped = map[string]string{}
	}
	for key, value := range stripped {
		if _, has := mark.Stripped[key]; !has {
			mark.Stripped[key] = value
		}
	}
	return writeMark(c, heir, mark)
}

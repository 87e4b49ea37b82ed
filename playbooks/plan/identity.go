package plan

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// keyDigits is how much of a dedup key's hash stands in a workflow id: 100 bits. Part of the key is an attacker's text.
// With 32 bits he finds a pod name that joins another case's run by trying; with 64 two names of his own that meet.
const keyDigits = 20

// MaxName is how long a playbook's name may be. A case id is the name, a dash, the digits of the dedup key, a dot and 8
// characters of the run id; it is a Kubernetes label value, which ends at 63.
const MaxName = 63 - len("-") - keyDigits - len(".") - 8

// WorkflowID is the id of the run for the alerts of one dedup key: alerts with one key meet in one run.
func WorkflowID(playbook, key string) string {
	sum := sha256.Sum256([]byte(key))
	digits := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))
	return playbook + "-" + digits[:keyDigits]
}

// KeyOf gives the dedup key of an alert. Where the playbook has none, or its own fails on this alert or is empty, that is
// the alert's fingerprint: an accepted alert must not be lost to an expression. The error says why, for the log.
func (e *Evaluator) KeyOf(d Dedup, a Alert) (string, error) {
	if d.Key.Source == "" {
		return Fingerprint(a), nil
	}
	key, err := e.Key(d, a)
	if err != nil {
		return Fingerprint(a), fmt.Errorf("%w; the alert's fingerprint is used instead", err)
	}
	return key, nil
}

// Fingerprint is the dedup key of an alert whose playbook has none that can be used: what was seen, where and when. The
// delivery's own id is not in it, since senders make a new one for every delivery. An alert of Alertmanager is its labels
// and its begin: annotations may tell a number that is another one each time. An event is its source and id, which stand in
// its fields: it may have no time.
func Fingerprint(a Alert) string {
	a.ID, a.Summary, a.Tags = "", "", nil
	switch a.Source {
	case "alertmanager":
		a.Fields = map[string]any{LabelsField: a.Fields[LabelsField]}
	case "cloudevents":
		a.Fields = map[string]any{EventSource: a.Fields[EventSource], "id": a.Fields["id"]}
		a.Time = time.Time{}
	}
	raw, err := json.Marshal(a) // map keys are sorted
	if err != nil {             // a decoded alert holds nothing that JSON refuses
		raw = fmt.Appendf(nil, "%s %s %s", a.Rule, a.Time, a.Target.Node)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

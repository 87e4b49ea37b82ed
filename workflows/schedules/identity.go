package schedules

import (
	"fmt"
	"maps"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/firebreak-ir/firebreak/workflows"
)

// otherKey is why a schedule is to be written anew though nothing of it has changed.
const otherKey = "encrypted with another key than the current one"

// identity reads whose a schedule is; false for one that Firebreak did not make. The memo of a schedule is written once: where the
// key that it was encrypted with is gone, the id and the search attributes say the same, which are never encrypted.
func (s *Schedules) identity(id string, memo *commonpb.Memo, words *commonpb.SearchAttributes) (identity, bool) {
	payload := memo.GetFields()[identityMemo]
	if payload == nil {
		return identity{}, false
	}
	var mine identity
	if s.decode.FromPayload(payload, &mine) == nil {
		return mine, mine.Cluster != ""
	}
	return named(id, word(words, workflows.PlaybookAttribute), word(words, workflows.ClusterAttribute))
}

func named(id, playbook, cluster string) (identity, bool) {
	mine := identity{Playbook: playbook, Cluster: cluster}
	if cluster == "" || playbook == "" {
		return mine, cluster != "" && id == SweepID(cluster)
	}
	rest, itsPlaybook := strings.CutPrefix(id, playbook+"-")
	trigger, itsCluster := strings.CutSuffix(rest, "@"+cluster)
	mine.Trigger = trigger
	return mine, itsPlaybook && itsCluster
}

func word(words *commonpb.SearchAttributes, name string) (text string) {
	payload := words.GetIndexedFields()[name]
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &text) != nil {
		return ""
	}
	return text
}

// applied reads what was applied last, and says why it is to be encrypted anew, if so.
func (s *Schedules) applied(memo *commonpb.Memo, into *applied) (why string, err error) {
	payload := memo.GetFields()[appliedMemo]
	if payload == nil {
		return "", nil
	}
	if err := s.decode.FromPayload(payload, into); err != nil {
		return "", fmt.Errorf("%w: %w", ErrLocked, err)
	}
	now, err := s.decode.ToPayload(*into)
	if err != nil {
		return "", err
	}
	if !maps.EqualFunc(now.GetMetadata(), payload.GetMetadata(), func(a, b []byte) bool { return string(a) == string(b) }) {
		return otherKey, nil
	}
	return "", nil
}

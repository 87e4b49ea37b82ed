package kube

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
)

// An output must be small enough to travel in a history. Whoever may make objects in a namespace can make as many Services
// and policies that select a pod as he likes: they must not be what keeps it from being isolated.
const (
	mostOutput = activities.MaxOutput * 3 / 4 // what else is in the output has the rest
	mostListed = 64
	mostRule   = 200 // characters of what a policy allows, in words
)

// fit shortens an output until it is small enough; each call of shorten is given a smaller number of items to leave.
func fit(out any, shorten func(limit int)) {
	for limit := mostListed; limit > 0; limit /= 2 {
		raw, err := json.Marshal(out)
		if err != nil || len(raw) <= mostOutput {
			return
		}
		shorten(limit)
	}
}

func first[T any](list []T, limit int) []T { return list[:min(len(list), limit)] }

// counted says in words how many there are of what is no more named whole.
type counted struct {
	many int
	what string
}

// cutShort is the sentence about lists that were too long to be given whole.
func cutShort(all ...counted) string {
	var words []string
	for _, one := range slices.DeleteFunc(all, func(c counted) bool { return c.many <= mostListed/8 }) {
		words = append(words, fmt.Sprintf("%d %s", one.many, one.what))
	}
	return "too many to name all of them, only the first are given: " + strings.Join(words, ", ")
}

// fit leaves of a pod's surroundings what has room. The pod itself is never left out.
func (out *IdentifyPodOut) fit() {
	why := cutShort(counted{len(out.Containers), "containers"}, counted{len(out.Volumes), "volumes"}, counted{len(out.EBSVolumes), "EBS volumes"},
		counted{len(out.Services), "Services"}, counted{len(out.Ingresses), "Ingresses"}, counted{len(out.NetworkPolicies), "NetworkPolicies"},
		counted{len(out.Siblings), "siblings"}, counted{len(out.Events), "events"})
	warnings := out.Warnings
	fit(out, func(limit int) {
		out.Containers, out.Volumes, out.EBSVolumes = first(out.Containers, limit), first(out.Volumes, limit), first(out.EBSVolumes, limit)
		out.Services, out.Ingresses = first(out.Services, limit), first(out.Ingresses, limit)
		out.NetworkPolicies, out.Siblings, out.Events = first(out.NetworkPolicies, limit), first(out.Siblings, limit), first(out.Events, limit)
		out.Warnings = append(first(slices.Clone(warnings), limit), why)
	})
}

// fit leaves of what policies allow what has room, and has the summary say it anew.
func (out *IsolatePodOut) fit(summary func(IsolatePodOut) string) {
	why := cutShort(counted{len(out.StillAllowed), "rules still allow something"}, counted{len(out.Released), "objects let go of the pod"})
	warnings := out.Warnings
	fit(out, func(limit int) {
		out.StillAllowed, out.Released = shortRules(out.StillAllowed, limit), first(out.Released, limit)
		out.Warnings = append(first(slices.Clone(warnings), limit), why)
		out.Summary = summary(*out)
	})
}

// fit is that of IsolatePodOut.
func (out *VerifyIsolationOut) fit(summary func(VerifyIsolationOut) string) {
	why := cutShort(counted{len(out.StillAllowed), "rules still allow something"}, counted{len(out.Endpoints), "EndpointSlices list the pod"})
	reasons := out.Why
	fit(out, func(limit int) {
		out.StillAllowed, out.Endpoints = shortRules(out.StillAllowed, limit), first(out.Endpoints, limit)
		out.Why = append(first(slices.Clone(reasons), limit), why)
		out.Summary = summary(*out)
	})
}

// shortRules gives the first rules, each in not too many words.
func shortRules(all []Allowance, limit int) []Allowance {
	out := slices.Clone(first(all, limit))
	for i, one := range out {
		if words := []rune(one.Rule); len(words) > mostRule {
			out[i].Rule = string(words[:mostRule]) + "…"
		}
	}
	return out
}

package aws

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
)

var (
	instanceID = regexp.MustCompile(`^i-[0-9a-f]{8,32}$`)
	zoneName   = regexp.MustCompile(`^([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})(?:-[a-z]{2,5}-[0-9]{1,2})?[a-z]$`)
)

// parseProviderID takes zone and instance out of a node's provider id, aws:///ZONE/INSTANCE.
func parseProviderID(id string) (zone, instance string, err error) {
	rest, ok := strings.CutPrefix(id, "aws://")
	if !ok {
		return "", "", activities.Invalid(fmt.Errorf("provider id %q is not one of AWS", id), "use this step for nodes on EC2 only")
	}
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	last := parts[len(parts)-1]
	if strings.HasPrefix(last, "fargate-") {
		return "", "", activities.Permanent(activities.Unsupported, fmt.Errorf("provider id %q is a Fargate node", id),
			"Fargate has neither instance nor volumes of ours: preserve the pod live instead")
	}
	if len(parts) != 2 || !instanceID.MatchString(last) || regionOf(parts[0]) == "" {
		return "", "", activities.Invalid(fmt.Errorf("provider id %q does not have the form aws:///ZONE/INSTANCE", id), "check the node's spec.providerID")
	}
	return parts[0], last, nil
}

// regionOf gives the region of an availability or local zone; empty when it is neither.
func regionOf(zone string) string {
	if m := zoneName.FindStringSubmatch(zone); m != nil {
		return m[1]
	}
	return ""
}

// checkInstanceID refuses what cannot be an instance id, before it reaches a request.
func checkInstanceID(id string) error {
	if instanceID.MatchString(id) {
		return nil
	}
	return activities.Invalid(fmt.Errorf("%q is not an instance id", id), "give an id such as i-0123456789abcdef0")
}

var errNoTarget = errors.New("neither providerID nor node is given")

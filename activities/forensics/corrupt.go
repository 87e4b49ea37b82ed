package forensics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/forensics/block"
)

// refuse keeps the index of a snapshot that has corrupt blocks and fails. What was read stays for the next attempt, which
// asks for those blocks again.
func refuse(ctx context.Context, p paper, n names, to block.Target, x block.Exported) error {
	first := x.Corrupt[0]
	cause := fmt.Errorf("%d of %d blocks of snapshot %q do not match their checksum, the first is block %d at byte %d (SHA-256 %s, the API says %s)",
		len(x.Corrupt), x.Blocks, x.Snapshot, first.Index, first.Offset, first.Got, first.Want)
	if _, err := p.putFile(ctx, n.damage(), "block index", to.Index); err != nil {
		return errors.Join(cause, err)
	}
	return activities.Permanent(activities.Corrupt, cause,
		"retry the step: those blocks alone are asked for once more; or skip it with a reason: a playbook with a step after this one "+
			"that sets `acceptCorrupt: true`, as pod-compromise has it, then goes on with holes; "+n.damage()+" lists what was read")
}

// explain says of a failure of the EBS direct APIs whether a retry helps, and what a person can do.
func explain(err error) error {
	var api *block.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.Reason {
	case block.Denied:
		return activities.Permanent(activities.Forbidden, err, "grant "+api.Action+" to the analysis worker's role (and kms:Decrypt where the snapshot is encrypted)")
	case block.NotFound:
		return activities.Permanent(activities.NotFound, err, "check the snapshot's id, region and account")
	case block.Refused:
		return activities.Permanent(activities.Unsupported, err, "check the region and that the EBS direct APIs are available there")
	case block.Throttled:
		return &activities.ThrottledError{After: max(api.After, 5*time.Second), Err: err}
	case block.Expired:
		return fmt.Errorf("%w; the worker's credentials have expired: renew them, the step goes on by itself", err)
	case block.NotReady:
		return fmt.Errorf("%w; the snapshot is pending or archived: the step goes on by itself once it is completed", err)
	}
	return err
}

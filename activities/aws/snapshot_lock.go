package aws

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/firebreak-ir/firebreak/activities"
)

// Lock keeps snapshots from being deleted for some time.
type Lock struct {
	Mode string `json:"mode" doc:"governance: who may, can lift it; compliance: nobody can, not even the account's root"`
	Days int    `json:"days" doc:"How long, from now"`
}

// The longest that EC2 takes.
const maxLockDays = 36500

func (l *Lock) check() error {
	switch {
	case l == nil:
		return nil
	case l.Mode != string(types.LockModeGovernance) && l.Mode != string(types.LockModeCompliance):
		return activities.Invalid(fmt.Errorf("lock mode %q is unknown", l.Mode), "use governance or compliance")
	case l.Days < 1 || l.Days > maxLockDays:
		return activities.Invalid(fmt.Errorf("a lock of %d days cannot be", l.Days), fmt.Sprintf("give 1 to %d days", maxLockDays))
	}
	return nil
}

// words says what a lock adds to a sentence.
func (l *Lock) words() string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf(", locked for %d days (%s)", l.Days, l.Mode)
}

// lock locks what is not locked yet, and gives until when each snapshot is. A lock that stands is left as it is: asking
// for it again would begin its time anew.
func (s *set) lock(ctx context.Context, l *Lock) (map[string]time.Time, error) {
	if l == nil {
		return nil, nil
	}
	until, err := s.locked(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range s.found {
		id := aws.ToString(f.SnapshotId)
		if _, already := until[id]; already {
			continue
		}
		made, err := s.ec2.LockSnapshot(ctx, l.request(id))
		if err != nil {
			return nil, fmt.Errorf("the snapshots are complete; lock %s: %w", id, explain("ec2:LockSnapshot", err))
		}
		until[id] = aws.ToTime(made.LockExpiresOn)
	}
	return until, nil
}

func (l *Lock) request(id string) *ec2.LockSnapshotInput {
	return &ec2.LockSnapshotInput{SnapshotId: &id, LockMode: types.LockMode(l.Mode), LockDuration: aws.Int32(int32(l.Days))} //nolint:gosec // checked
}

// locked gives the snapshots of the set that are locked, and until when.
func (s *set) locked(ctx context.Context) (map[string]time.Time, error) {
	var ids []string
	for _, f := range s.found {
		ids = append(ids, aws.ToString(f.SnapshotId))
	}
	until := map[string]time.Time{}
	ask := &ec2.DescribeLockedSnapshotsInput{SnapshotIds: ids}
	for {
		page, err := s.ec2.DescribeLockedSnapshots(ctx, ask)
		if err != nil {
			return nil, explain("ec2:DescribeLockedSnapshots", err)
		}
		for _, one := range page.Snapshots {
			if one.LockState != types.LockStateExpired {
				until[aws.ToString(one.SnapshotId)] = aws.ToTime(one.LockExpiresOn)
			}
		}
		if aws.ToString(page.NextToken) == "" {
			return until, nil
		}
		ask.NextToken = page.NextToken
	}
}

// lockable asks EC2 whether it would let us lock. There is no snapshot yet: that it does not find this one comes after
// the question of permission.
func (s *set) lockable(ctx context.Context, l *Lock) error {
	if l == nil {
		return nil
	}
	request := l.request("snap-00000000000000000")
	request.DryRun = aws.Bool(true)
	_, err := s.ec2.LockSnapshot(ctx, request)
	explained := explain("ec2:LockSnapshot", err)
	if kind, _ := activities.KindOf(explained); err == nil || allowed(err) || kind == activities.NotFound {
		return nil
	}
	return explained
}

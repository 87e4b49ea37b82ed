package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/firebreak-ir/firebreak/activities"
)

// Kept tells of snapshots that were taken as evidence whether they are still there.
type Kept struct{ Clients Clients }

// Check fails with NotFound where one of the snapshots is gone, and with Corrupt where one is not complete. Any other error
// says that EC2 could not be asked.
func (k Kept) Check(ctx context.Context, region string, snapshots []string) error {
	client, err := connect(ctx, k.Clients, region)
	if err != nil {
		return err
	}
	answer, err := client.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: snapshots})
	if err != nil {
		return fmt.Errorf("look for snapshots %s: %w", strings.Join(snapshots, ", "), explain("ec2:DescribeSnapshots", err))
	}
	for _, id := range snapshots {
		i := slices.IndexFunc(answer.Snapshots, func(s types.Snapshot) bool { return aws.ToString(s.SnapshotId) == id })
		switch {
		case i < 0:
			return activities.Permanent(activities.NotFound, fmt.Errorf("snapshot %q is gone", id), "check the id, the region and the account")
		case answer.Snapshots[i].State != types.SnapshotStateCompleted:
			return activities.Permanent(activities.Corrupt, fmt.Errorf("snapshot %q is not complete: its state is %s", id, answer.Snapshots[i].State),
				"take the snapshot again")
		}
	}
	return nil
}

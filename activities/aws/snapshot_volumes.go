package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/firebreak-ir/firebreak/activities"
)

// SnapshotVolumesIn says which instance's volumes are preserved.
type SnapshotVolumesIn struct {
	Instance string `json:"instance" doc:"Instance id"`
	Region   string `json:"region,omitempty" doc:"AWS region; the worker's own when empty"`
	Lock     *Lock  `json:"lock,omitempty" doc:"Lock the complete snapshots against deletion; undo does not take it back"`
}

// SnapshotVolumesOut lists the completed snapshots.
type SnapshotVolumesOut struct {
	activities.Result
	Instance  string     `json:"instance" doc:"Instance id"`
	Region    string     `json:"region,omitempty" doc:"AWS region that was given"`
	Snapshots []Snapshot `json:"snapshots" doc:"One snapshot a volume, all of the same moment, in the order of the devices"`
}

// Snapshot is one completed snapshot.
type Snapshot struct {
	ID        string    `json:"id" doc:"Snapshot id"`
	Volume    string    `json:"volume" doc:"Volume id"`
	Device    string    `json:"device,omitempty" doc:"Device name on the instance; empty when the volume has been detached since"`
	SizeGiB   int32     `json:"sizeGiB" doc:"Size of the volume in GiB"`
	Encrypted bool      `json:"encrypted" doc:"True when it is encrypted, as its volume was"`
	Started   time.Time `json:"started" doc:"The moment whose bytes it holds"`
	Locked    time.Time `json:"locked,omitzero" doc:"Until when it is locked against deletion, where a lock was asked for"`
}

// SnapshotVolumes takes one crash-consistent set of snapshots over all volumes of an instance.
func SnapshotVolumes(c Clients) activities.Definition {
	return activities.Define(activities.Activity[SnapshotVolumesIn, SnapshotVolumesOut]{
		Name:        "aws.snapshot_volumes",
		Summary:     "Takes one crash-consistent set of snapshots over all volumes of an instance and waits until all are complete; locks them where asked to.",
		Effect:      activities.Capture,
		Volatility:  activities.Disk,
		Place:       activities.OnCluster,
		Targets:     []activities.TargetField{{Field: "instance", Kind: "Instance"}},
		Idempotency: "The set is tagged with case and key and looked for by these tags before it is made, by every attempt after the first for as long as EC2 may still hide it; a second run waits for the first one's set, and leaves a lock that stands as it is.",
		Permissions: []activities.Permission{
			{IAM: "ec2:DescribeVolumes", Why: "learn which volumes the set has to cover"},
			{IAM: "ec2:DescribeSnapshots", Why: "find a set that was made before, and see how far it is"},
			{IAM: "ec2:CreateSnapshots", Why: "take the set in one call, so that it is of one moment"},
			{IAM: "ec2:DescribeLockedSnapshots", Why: "see whether the set is locked already"},
			{IAM: "ec2:LockSnapshot", Why: "lock the set where the playbook asks for it"},
			{IAM: "ec2:CreateTags", Why: "tag the set with case and key as it is made"},
		},
		Timeout:   6 * time.Hour,
		Heartbeat: 15 * time.Second,
		Example:   "- id: disks\n  phase: preserve\n  uses: aws.snapshot_volumes\n  with: {instance: i-0123456789abcdef0}\n",
		Run: func(ctx context.Context, call activities.Call, in SnapshotVolumesIn) (SnapshotVolumesOut, error) {
			return snapshotVolumes(ctx, c, call, in)
		},
	})
}

func snapshotVolumes(ctx context.Context, c Clients, call activities.Call, in SnapshotVolumesIn) (SnapshotVolumesOut, error) {
	if err := checkInstanceID(in.Instance); err != nil {
		return SnapshotVolumesOut{}, err
	}
	if err := in.Lock.check(); err != nil {
		return SnapshotVolumesOut{}, err
	}
	client, err := connect(ctx, c, in.Region)
	if err != nil {
		return SnapshotVolumesOut{}, err
	}
	volumes, err := attachedVolumes(ctx, client, in.Instance)
	if err != nil {
		return SnapshotVolumesOut{}, err
	}
	if len(volumes) == 0 {
		return SnapshotVolumesOut{}, activities.Permanent(activities.NotFound, fmt.Errorf("instance %q has no EBS volumes", in.Instance),
			"check the id and the region; a node that lives on instance store has to be preserved live")
	}
	s := &set{ec2: client, call: call, instance: in.Instance, volumes: volumes}
	if call.DryRun {
		return s.rehearse(ctx, in)
	}
	if err := s.findOrMake(ctx); err != nil {
		return SnapshotVolumesOut{}, err
	}
	if err := s.wait(ctx); err != nil {
		return SnapshotVolumesOut{}, err
	}
	until, err := s.lock(ctx, in.Lock)
	if err != nil {
		return SnapshotVolumesOut{}, err
	}
	return s.output(in, until), nil
}

// findOrMake takes up the set of an earlier attempt, or makes one.
func (s *set) findOrMake(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	if len(s.found) == 0 && mayExist(ctx) {
		if err := s.lookAgain(ctx); err != nil {
			return err
		}
	}
	if len(s.found) > 0 {
		return s.refuseMismatch()
	}
	return s.make(ctx)
}

// cursor is what an attempt leaves for the next one.
type cursor struct {
	Creating bool `json:"creating,omitempty"` // CreateSnapshots was about to be called
	Refused  int  `json:"refused,omitempty"`  // number of the attempt that EC2 refused, and which so made nothing
}

// mayExist tells whether an earlier attempt may have made a set that EC2, being eventually consistent, does not show yet.
// Progress travels with heartbeats, of which a kill loses the last ones: that the attempt before said nothing proves
// nothing. Only the refusal of that very attempt does.
func mayExist(ctx context.Context) bool {
	var left cursor
	if last, ok := activities.Resume(ctx); ok && json.Unmarshal(last.Cursor, &left) != nil {
		left = cursor{}
	}
	n := activities.Attempt(ctx)
	return left.Creating || n > 1 && left.Refused != n-1
}

func (c cursor) progress(message string) activities.Progress {
	raw, _ := json.Marshal(c) // a boolean and a number never fail
	return activities.Progress{Total: 100, Unit: "%", Message: message, Cursor: raw}
}

// make calls CreateSnapshots exactly once: a retry by the SDK could make a second set.
func (s *set) make(ctx context.Context) error {
	activities.Report(ctx, cursor{Creating: true}.progress("creating snapshots"))
	made, err := s.ec2.CreateSnapshots(ctx, s.request(), once)
	if err != nil {
		if refused(err) {
			activities.Report(ctx, cursor{Refused: activities.Attempt(ctx)}.progress("EC2 refused to create snapshots"))
		}
		return explain("ec2:CreateSnapshots", err)
	}
	for _, m := range made.Snapshots {
		s.found = append(s.found, types.Snapshot{
			SnapshotId: m.SnapshotId, VolumeId: m.VolumeId, VolumeSize: m.VolumeSize, Encrypted: m.Encrypted,
			StartTime: m.StartTime, State: types.SnapshotStatePending, Tags: m.Tags,
		})
	}
	if len(s.found) == 0 {
		return errors.New("ec2:CreateSnapshots answered without a snapshot")
	}
	return nil
}

func once(o *ec2.Options) { o.Retryer = aws.NopRetryer{} }

// allowed tells that EC2 would have done what a dry run asked for.
func allowed(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "DryRunOperation"
}

// rehearse asks EC2 whether it would let us, and says what would be made.
func (s *set) rehearse(ctx context.Context, in SnapshotVolumesIn) (SnapshotVolumesOut, error) {
	if err := s.look(ctx); err != nil {
		return SnapshotVolumesOut{}, err
	}
	request := s.request()
	request.DryRun = aws.Bool(true)
	if _, err := s.ec2.CreateSnapshots(ctx, request, once); err != nil && !allowed(err) {
		return SnapshotVolumesOut{}, explain("ec2:CreateSnapshots", err)
	}
	if err := s.lockable(ctx, in.Lock); err != nil {
		return SnapshotVolumesOut{}, err
	}
	out := SnapshotVolumesOut{Instance: in.Instance, Region: in.Region, Snapshots: []Snapshot{}}
	out.Status = activities.Done
	out.Summary = fmt.Sprintf("would take one set of %d snapshot(s) of instance %s; EC2 would allow it", len(s.volumes), s.instance)
	if len(s.found) > 0 {
		out.Summary = fmt.Sprintf("would wait for the set of %d snapshot(s) that this step has already made", len(s.found))
		return out, nil
	}
	for _, v := range s.volumes {
		out.Would = append(out.Would, activities.Difference{
			Object: "volume/" + aws.ToString(v.VolumeId), Field: "snapshot", To: fmt.Sprintf("one of %d GiB", aws.ToInt32(v.Size)) + in.Lock.words(),
		})
	}
	return out, nil
}

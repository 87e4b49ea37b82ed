package aws

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/firebreak-ir/firebreak/activities"
)

// The tags by which a set is found again.
const (
	caseTag     = "firebreak/case"
	keyTag      = "firebreak/key"
	instanceTag = "firebreak/instance"
)

// set is the snapshots of one instance that belong to one call.
type set struct {
	ec2      EC2API
	call     activities.Call
	instance string
	volumes  []types.Volume   // attached now
	found    []types.Snapshot // as EC2 last described them
}

// request is the one call that makes the whole set.
func (s *set) request() *ec2.CreateSnapshotsInput {
	tags := []types.Tag{
		tag(caseTag, s.call.Case), tag(keyTag, tagged(s.call.Key)), tag(instanceTag, s.instance),
		tag("Name", "firebreak "+s.call.Case),
	}
	return &ec2.CreateSnapshotsInput{
		Description:           aws.String(fmt.Sprintf("Evidence of case %s: instance %s", s.call.Case, s.instance)),
		InstanceSpecification: &types.InstanceSpecification{InstanceId: &s.instance, ExcludeBootVolume: aws.Bool(false)},
		TagSpecifications:     []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: tags}},
	}
}

func tag(key, value string) types.Tag {
	return types.Tag{Key: aws.String(key), Value: aws.String(value)}
}

var plain = regexp.MustCompile(`^[A-Za-z0-9+=._:/@ -]{1,200}$`)

// tagged gives a key the form of a tag value that a filter matches literally.
func tagged(key string) string {
	if plain.MatchString(key) {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// look asks EC2 for the set by its tags.
func (s *set) look(ctx context.Context) error {
	found, err := s.describe(ctx)
	s.found = found
	return err
}

func (s *set) describe(ctx context.Context) ([]types.Snapshot, error) {
	var found []types.Snapshot
	pages := ec2.NewDescribeSnapshotsPaginator(s.ec2, &ec2.DescribeSnapshotsInput{
		Filters: []types.Filter{filter("tag:"+caseTag, s.call.Case), filter("tag:"+keyTag, tagged(s.call.Key))},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain("ec2:DescribeSnapshots", err)
		}
		found = append(found, page.Snapshots...)
	}
	return found, nil
}

// refuseMismatch refuses a set that has our tags and is not what this call would have made.
func (s *set) refuseMismatch() error {
	seen := map[string]string{}
	for _, f := range s.found {
		id, volume := aws.ToString(f.SnapshotId), aws.ToString(f.VolumeId)
		if of := tagValue(f.Tags, instanceTag); of != s.instance {
			return s.conflict(fmt.Errorf("snapshot %q has this step's tags and is of instance %q, not of %q", id, of, s.instance))
		}
		if other, twice := seen[volume]; twice {
			return s.conflict(fmt.Errorf("snapshots %q and %q of volume %q both have this step's tags", other, id, volume))
		}
		seen[volume] = id
	}
	return nil
}

func (s *set) conflict(err error) error {
	return activities.Permanent(activities.Conflict, err,
		fmt.Sprintf("look at the snapshots with tag %s=%s and remove that tag from those that are not of this step", caseTag, s.call.Case))
}

// uncovered gives the volumes that were attached when the set was made and of which no snapshot is visible.
func (s *set) uncovered() []string {
	covered := map[string]bool{}
	for _, f := range s.found {
		covered[aws.ToString(f.VolumeId)] = true
	}
	var out []string
	for _, v := range s.volumes {
		attached := attachment(v, s.instance).AttachTime
		if id := aws.ToString(v.VolumeId); !covered[id] && (attached == nil || attached.Before(s.started())) {
			out = append(out, id)
		}
	}
	return out
}

// output describes the completed set in the order of the devices.
func (s *set) output(in SnapshotVolumesIn, locked map[string]time.Time) SnapshotVolumesOut {
	devices := map[string]string{}
	for _, v := range s.volumes {
		devices[aws.ToString(v.VolumeId)] = deviceOf(v, s.instance)
	}
	out := SnapshotVolumesOut{Instance: in.Instance, Region: in.Region}
	for _, f := range s.found {
		volume := aws.ToString(f.VolumeId)
		out.Snapshots = append(out.Snapshots, Snapshot{
			ID: aws.ToString(f.SnapshotId), Volume: volume, Device: devices[volume], SizeGiB: aws.ToInt32(f.VolumeSize),
			Encrypted: aws.ToBool(f.Encrypted), Started: aws.ToTime(f.StartTime),
			Locked: locked[aws.ToString(f.SnapshotId)],
		})
	}
	slices.SortFunc(out.Snapshots, func(a, b Snapshot) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.ID, b.ID))
	})
	out.Status = activities.Done
	out.Summary = fmt.Sprintf("%d snapshot(s) of all %d volume(s) of instance %s, one crash-consistent set", len(out.Snapshots), len(out.Snapshots), s.instance) + in.Lock.words()
	return out
}

package aws

import (
	"context"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/firebreak-ir/firebreak/activities"
)

// TestKeptSeesThatASnapshotIsGone: evidence that was deleted between its capture and the destruction.
func TestKeptSeesThatASnapshotIsGone(t *testing.T) {
	a := newAccount(t)
	out, err := run[SnapshotVolumesOut](t.Context(), SnapshotVolumes(&SDK{}), a.call(), SnapshotVolumesIn{Instance: a.id()})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range out.Snapshots {
		ids = append(ids, s.ID)
	}
	kept := Kept{&SDK{}}
	if err := kept.Check(t.Context(), "", ids); err != nil || len(ids) != 2 {
		t.Fatalf("%q: %v", ids, err)
	}
	if _, err := a.admin.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &ids[1]}); err != nil {
		t.Fatal(err)
	}
	err = kept.Check(t.Context(), "", ids)
	if kind, _ := activities.KindOf(err); kind != activities.NotFound || !strings.Contains(err.Error(), ids[1]) {
		t.Fatalf("%v", err)
	}
}

type describing struct {
	EC2API

	found []types.Snapshot
}

func (d describing) EC2(context.Context, string) (EC2API, error) { return d, nil }

func (d describing) DescribeSnapshots(context.Context, *ec2.DescribeSnapshotsInput, ...func(*ec2.Options)) (*ec2.DescribeSnapshotsOutput, error) {
	return &ec2.DescribeSnapshotsOutput{Snapshots: d.found}, nil
}

func TestKeptWantsACompleteSnapshot(t *testing.T) {
	tests := map[types.SnapshotState]activities.Kind{
		types.SnapshotStateCompleted: "", types.SnapshotStateError: activities.Corrupt, types.SnapshotStatePending: activities.Corrupt,
	}
	for state, want := range tests {
		d := describing{found: []types.Snapshot{{SnapshotId: sdk.String("snap-1"), State: state}}}
		if kind, _ := activities.KindOf(Kept{d}.Check(t.Context(), "", []string{"snap-1"})); kind != want {
			t.Errorf("%s: %q", state, kind)
		}
	}
	if kind, _ := activities.KindOf(Kept{describing{}}.Check(t.Context(), "", []string{"snap-1"})); kind != activities.NotFound {
		t.Errorf("none: %q", kind)
	}
	if err := (Kept{}).Check(t.Context(), "", []string{"snap-1"}); err == nil {
		t.Error("nobody was asked")
	}
}

package aws

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/firebreak-ir/firebreak/activities"
)

func TestASetIsLockedOnce(t *testing.T) {
	a := newAccount(t)
	d := SnapshotVolumes(&SDK{})
	first, err := run[SnapshotVolumesOut](t.Context(), d, a.call(), a.in())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range first.Snapshots {
		if left := time.Until(s.Locked); left < 89*24*time.Hour || left > 91*24*time.Hour {
			t.Errorf("snapshot %s is locked until %s", s.ID, s.Locked)
		}
		if _, err := a.admin.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &s.ID}); err == nil {
			t.Errorf("snapshot %s can be deleted", s.ID)
		}
	}
	if !strings.Contains(first.Summary, "locked for 90 days (governance)") {
		t.Errorf("summary %q", first.Summary)
	}
	again, err := run[SnapshotVolumesOut](t.Context(), d, a.call(), a.in())
	if err != nil || a.calls()["ec2:LockSnapshot"] != 2 || !again.Snapshots[1].Locked.Equal(first.Snapshots[1].Locked) {
		t.Errorf("a second run locked anew: %+v, calls %v, %v", again.Snapshots, a.calls(), err)
	}
}

func TestASetThatCouldNotBeLockedIsNotMadeTwice(t *testing.T) {
	a := newAccount(t)
	d := SnapshotVolumes(&SDK{})
	a.fault(order{Action: "LockSnapshot", Kind: "unauthorized", Count: 1})
	_, err := run[SnapshotVolumesOut](t.Context(), d, a.call(), a.in())
	if kind, _ := activities.KindOf(err); kind != activities.Forbidden || !strings.Contains(err.Error(), "the snapshots are complete") {
		t.Fatalf("got %v", err)
	}
	out, err := run[SnapshotVolumesOut](t.Context(), d, a.call(), a.in())
	if err != nil || len(a.snapshots()) != 2 || out.Snapshots[0].Locked.IsZero() {
		t.Errorf("%+v, %d snapshots, %v", out, len(a.snapshots()), err)
	}
}

func TestADryRunSaysThatTheLockWouldBeRefused(t *testing.T) {
	a := newAccount(t)
	a.fault(order{Action: "LockSnapshot", Kind: "unauthorized", Count: -1})
	call := a.call()
	call.DryRun = true
	_, err := run[SnapshotVolumesOut](t.Context(), SnapshotVolumes(&SDK{}), call, a.in())
	if kind, _ := activities.KindOf(err); kind != activities.Forbidden {
		t.Errorf("got %v", err)
	}
	in := a.in()
	in.Lock = nil
	if _, err := run[SnapshotVolumesOut](t.Context(), SnapshotVolumes(&SDK{}), call, in); err != nil {
		t.Errorf("without a lock: %v", err)
	}
}

func TestLocksThatCannotBe(t *testing.T) {
	for _, lock := range []Lock{{}, {Mode: "governance"}, {Mode: "forever", Days: 1}, {Mode: "compliance", Days: maxLockDays + 1}} {
		in := SnapshotVolumesIn{Instance: "i-0123456789abcdef0", Lock: &lock}
		_, err := run[SnapshotVolumesOut](t.Context(), SnapshotVolumes(nil), activities.Call{DryRun: true}, in)
		if kind, _ := activities.KindOf(err); kind != activities.InvalidInput {
			t.Errorf("%+v: %v", lock, err)
		}
	}
}

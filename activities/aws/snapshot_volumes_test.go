package aws

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/firebreak-ir/firebreak/activities"
)

func (a *account) call() activities.Call {
	return activities.Call{Case: "case-" + strings.ToLower(a.key), Step: "disks", Key: a.key + "/disks[0]"}
}

func (a *account) in() SnapshotVolumesIn {
	return SnapshotVolumesIn{Instance: a.id(), Lock: &Lock{Mode: "governance", Days: 90}}
}

func TestSnapshotVolumesTakesOneSetAndWaits(t *testing.T) {
	a := newAccount(t)
	a.fault(order{Action: "CreateSnapshots", Kind: "duration", Millis: 6000})
	h := &history{}
	d := SnapshotVolumes(&SDK{})
	out, err := run[SnapshotVolumesOut](activities.WithReporter(t.Context(), h), d, a.call(), a.in())
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Snapshots) != 2 || out.Snapshots[0].Device != "/dev/xvda" || out.Snapshots[1].Device != "/dev/xvdb" {
		t.Errorf("want one snapshot a device, got %+v", out.Snapshots)
	}
	if out.Snapshots[0].Encrypted || !out.Snapshots[1].Encrypted {
		t.Errorf("encrypted must stay encrypted, and plain plain: %+v", out.Snapshots)
	}
	for _, s := range a.snapshots() {
		if s.State != "completed" {
			t.Errorf("returned while %s was %s", *s.SnapshotId, s.State)
		}
		if tagValue(s.Tags, caseTag) != a.call().Case || tagValue(s.Tags, keyTag) == "" {
			t.Errorf("tags of %s: %v", *s.SnapshotId, s.Tags)
		}
	}
	if !progressed(h) {
		t.Errorf("no progress between 0 and 100 was reported: %+v", h.all)
	}
	declaredEqualsCalled(t, d, a)
}

func progressed(h *history) bool {
	for _, p := range h.all {
		if p.Done > 0 && p.Done < 100 && strings.Contains(p.Message, "snap-") {
			return true
		}
	}
	return false
}

func TestSnapshotVolumesIsNeverMadeTwice(t *testing.T) {
	a := newAccount(t)
	d := SnapshotVolumes(&SDK{})
	first := &history{}
	killed, kill := context.WithTimeout(activities.WithReporter(t.Context(), first), 1500*time.Millisecond)
	defer kill()
	if _, err := run[SnapshotVolumesOut](killed, d, a.call(), a.in()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("want the first attempt killed while it waits, got %v", err)
	}
	second := activities.WithAttempt(activities.WithReporter(t.Context(), first.next()), 2)
	out, err := run[SnapshotVolumesOut](second, d, a.call(), a.in())
	if err != nil {
		t.Fatal(err)
	}
	third, err := run[SnapshotVolumesOut](t.Context(), d, a.call(), a.in())
	if err != nil {
		t.Fatal(err)
	}
	if out.Snapshots[0].ID != third.Snapshots[0].ID || len(a.snapshots()) != 2 || a.calls()["ec2:CreateSnapshots"] != 1 {
		t.Errorf("want one set by one call, got %d snapshots by %d calls", len(a.snapshots()), a.calls()["ec2:CreateSnapshots"])
	}
}

func TestSnapshotVolumesIsNotFooledByEventualConsistency(t *testing.T) {
	a := newAccount(t)
	d := SnapshotVolumes(&SDK{})
	call, h := a.call(), &history{}
	s := &set{ec2: a.admin, call: call, instance: a.id()}
	if err := s.make(activities.WithReporter(t.Context(), h)); err != nil { // and then the worker dies
		t.Fatal(err)
	}
	a.fault(order{Action: "DescribeSnapshots", Kind: "lag", Count: -1, Millis: 5000})
	if _, err := run[SnapshotVolumesOut](activities.WithAttempt(activities.WithReporter(t.Context(), h.next()), 2), d, call, a.in()); err != nil {
		t.Fatal(err)
	}
	if n := len(a.snapshots()); n != 2 {
		t.Errorf("want the one set of 2 snapshots, got %d", n)
	}
}

func TestSnapshotVolumesRefusesAnothersSet(t *testing.T) {
	a := newAccount(t)
	other := &set{ec2: a.admin, call: a.call(), instance: *a.launch().InstanceId}
	if err := other.make(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := run[SnapshotVolumesOut](t.Context(), SnapshotVolumes(&SDK{}), a.call(), a.in())
	if kind, _ := activities.KindOf(err); kind != activities.Conflict {
		t.Errorf("want a conflict, got %v", err)
	}
}

func TestSnapshotVolumesDryRunWritesNothing(t *testing.T) {
	a := newAccount(t)
	call := a.call()
	call.DryRun = true
	out, err := run[SnapshotVolumesOut](t.Context(), SnapshotVolumes(&SDK{}), call, a.in())
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Would) != 2 || len(a.snapshots()) != 0 || a.calls()["ec2:CreateSnapshots"] != 0 {
		t.Errorf("would %+v; %d snapshots; calls %v", out.Would, len(a.snapshots()), a.calls())
	}
	a.fault(order{Action: "CreateSnapshots", Kind: "unauthorized", Count: -1})
	_, err = run[SnapshotVolumesOut](t.Context(), SnapshotVolumes(&SDK{}), call, a.in())
	if kind, _ := activities.KindOf(err); kind != activities.Forbidden {
		t.Errorf("a dry run must tell that EC2 would refuse, got %v", err)
	}
}

func TestSnapshotVolumesErrors(t *testing.T) {
	for name, c := range map[string]struct {
		fault order
		check func(*testing.T, error)
	}{
		"throttled": {order{Action: "CreateSnapshots", Kind: "throttle", Count: 1}, func(t *testing.T, err error) {
			var throttled *activities.ThrottledError
			if !errors.As(err, &throttled) || throttled.After <= 0 {
				t.Errorf("want a throttled error, got %v", err)
			}
		}},
		"unauthorized": {order{Action: "CreateSnapshots", Kind: "unauthorized", Count: 1}, func(t *testing.T, err error) {
			if kind, _ := activities.KindOf(err); kind != activities.Forbidden || !strings.Contains(err.Error(), "grant ec2:CreateSnapshots to") {
				t.Errorf("want advice that names the action, got %v", err)
			}
		}},
		"expired": {order{Action: "CreateSnapshots", Kind: "expired", Count: 1}, func(t *testing.T, err error) {
			if _, permanent := activities.KindOf(err); permanent || err == nil || !strings.Contains(err.Error(), "renew") {
				t.Errorf("want a transient error with advice, got %v", err)
			}
		}},
		"broken": {order{Action: "CreateSnapshots", Kind: "error500", Count: 1}, func(t *testing.T, err error) {
			if _, permanent := activities.KindOf(err); permanent || err == nil {
				t.Errorf("want a transient error, got %v", err)
			}
		}},
		"failed": {order{Action: "CreateSnapshots", Kind: "failed", Count: 1}, func(t *testing.T, err error) {
			if kind, _ := activities.KindOf(err); kind != activities.Unsupported || !strings.Contains(err.Error(), "snap-") {
				t.Errorf("want a permanent error that names the snapshot, got %v", err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.fault(c.fault)
			_, err := run[SnapshotVolumesOut](t.Context(), SnapshotVolumes(&SDK{}), a.call(), a.in())
			c.check(t, err)
			if n := a.calls()["ec2:CreateSnapshots"]; n != 1 {
				t.Errorf("the SDK retried a creation: %d calls", n)
			}
		})
	}
}

func TestSnapshotVolumesGoesOnAfterThrottling(t *testing.T) {
	a := newAccount(t)
	d := SnapshotVolumes(&SDK{})
	h := &history{}
	a.fault(order{Action: "CreateSnapshots", Kind: "throttle", Count: 1})
	if _, err := run[SnapshotVolumesOut](activities.WithReporter(t.Context(), h), d, a.call(), a.in()); err == nil {
		t.Fatal("want the first attempt throttled")
	}
	started := time.Now()
	if _, err := run[SnapshotVolumesOut](activities.WithAttempt(activities.WithReporter(t.Context(), h.next()), 2), d, a.call(), a.in()); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(started); waited >= visibleWithin || len(a.snapshots()) != 2 {
		t.Errorf("a refused creation made nothing that could become visible later, yet the retry took %s; %d snapshots", waited, len(a.snapshots()))
	}
}

func TestSnapshotVolumesOfWhatIsNotThere(t *testing.T) {
	newAccount(t)
	for instance, want := range map[string]activities.Kind{"i-0123456789abcdef0": activities.NotFound, "my-node; rm -rf": activities.InvalidInput} {
		_, err := run[SnapshotVolumesOut](t.Context(), SnapshotVolumes(&SDK{}), activities.Call{Case: "c", Key: "k"}, SnapshotVolumesIn{Instance: instance})
		if kind, _ := activities.KindOf(err); kind != want {
			t.Errorf("%q: want %q, got %v", instance, want, err)
		}
	}
}

func TestMissingPermissionIsNamed(t *testing.T) {
	for _, d := range []activities.Definition{FindInstance(nil), SnapshotVolumes(nil)} {
		for _, p := range d.Permissions {
			t.Run(d.Name+" without "+p.IAM, func(t *testing.T) {
				a := newAccount(t)
				a.fault(order{Action: strings.TrimPrefix(p.IAM, "ec2:"), Kind: "unauthorized", Count: -1})
				err := a.runEither(d.Name)
				if kind, _ := activities.KindOf(err); kind != activities.Forbidden || !strings.Contains(err.Error(), "grant "+p.IAM+" to") {
					t.Errorf("want a Forbidden that names the action, got %v", err)
				}
				if n := len(a.snapshots()); n != 0 && !strings.Contains(p.IAM, "Lock") { // what is complete is locked
					t.Errorf("%d snapshots were made", n)
				}
			})
		}
	}
}

func (a *account) runEither(name string) error {
	if name == "aws.find_instance" {
		_, err := run[FindInstanceOut](a.t.Context(), FindInstance(&SDK{}), a.call(), FindInstanceIn{Node: a.id()})
		return err
	}
	_, err := run[SnapshotVolumesOut](a.t.Context(), SnapshotVolumes(&SDK{}), a.call(), a.in())
	return err
}

var _ EC2API = (*ec2.Client)(nil)

package aws

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
)

func TestFindInstanceByProviderIDAndByName(t *testing.T) {
	a := newAccount(t)
	d := FindInstance(&SDK{})
	zone := *a.instance.Placement.AvailabilityZone
	byID, err := run[FindInstanceOut](t.Context(), d, activities.Call{}, FindInstanceIn{ProviderID: "aws:///" + zone + "/" + a.id()})
	if err != nil {
		t.Fatal(err)
	}
	if byID.ID != a.id() || byID.Region != a.lab.Region || byID.Zone != zone || byID.Account == "" || len(byID.Interfaces) != 1 {
		t.Errorf("found %+v", byID)
	}
	if byID.InstanceStoreGB != 75 || !strings.Contains(byID.Summary, "75 GB of instance store") {
		t.Errorf("m5d.large has 75 GB of instance store, got %d: %s", byID.InstanceStoreGB, byID.Summary)
	}
	var volumes []string
	for _, v := range byID.Volumes {
		volumes = append(volumes, v.Device)
	}
	if diff := cmp.Diff([]string{"/dev/xvda", "/dev/xvdb"}, volumes); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
	if !byID.Volumes[1].Encrypted || byID.Volumes[0].Encrypted {
		t.Errorf("only the second volume is encrypted: %+v", byID.Volumes)
	}
	byName, err := run[FindInstanceOut](t.Context(), d, activities.Call{}, FindInstanceIn{Node: *a.instance.PrivateDnsName})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byID, byName); diff != "" {
		t.Errorf("by name differs from by id (-id +name):\n%s", diff)
	}
	declaredEqualsCalled(t, d, a)
}

func TestFindInstanceByItsNameTag(t *testing.T) {
	a := newAccount(t)
	name := "node-" + strings.ToLower(a.key)
	a.tag(a.id(), "Name", name)
	if _, err := run[FindInstanceOut](t.Context(), FindInstance(&SDK{}), activities.Call{}, FindInstanceIn{Node: name}); err == nil {
		t.Error("a machine of no cluster was taken for the node")
	}
	a.tag(a.id(), "kubernetes.io/cluster/lab", "owned")
	out, err := run[FindInstanceOut](t.Context(), FindInstance(&SDK{}), activities.Call{}, FindInstanceIn{Node: name})
	if err != nil || out.ID != a.id() {
		t.Errorf("found %q, %v", out.ID, err)
	}
	other := *a.launch().InstanceId
	a.tag(other, "Name", name)
	a.tag(other, "kubernetes.io/cluster/lab", "owned")
	_, err = run[FindInstanceOut](t.Context(), FindInstance(&SDK{}), activities.Call{}, FindInstanceIn{Node: name})
	if kind, _ := activities.KindOf(err); kind != activities.Conflict {
		t.Errorf("with two of the name: %v", err)
	}
}

func (a *account) tag(id, key, value string) {
	a.t.Helper()
	_, err := a.admin.CreateTags(a.t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{tag(key, value)}})
	if err != nil {
		a.t.Fatal(err)
	}
}

func TestFindInstanceSaysWhyThereIsNone(t *testing.T) {
	newAccount(t)
	for name, c := range map[string]struct {
		in   FindInstanceIn
		kind activities.Kind
	}{
		"nothing given":   {FindInstanceIn{}, activities.InvalidInput},
		"another cloud":   {FindInstanceIn{ProviderID: "gce://project/zone/vm"}, activities.InvalidInput},
		"fargate":         {FindInstanceIn{ProviderID: "aws:///eu-central-1a/9f3/fargate-ip-10-0-0-1"}, activities.Unsupported},
		"gone":            {FindInstanceIn{ProviderID: "aws:///eu-central-1a/i-0123456789abcdef0"}, activities.NotFound},
		"unknown by name": {FindInstanceIn{Node: "ip-10-9-9-9.nowhere.internal"}, activities.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run[FindInstanceOut](t.Context(), FindInstance(&SDK{}), activities.Call{}, c.in)
			if kind, _ := activities.KindOf(err); kind != c.kind {
				t.Errorf("got %q: %v, want %q", kind, err, c.kind)
			}
		})
	}
}

// declaredEqualsCalled compares the IAM actions that an activity declares with those that it really used.
func declaredEqualsCalled(t *testing.T, d activities.Definition, a *account) {
	t.Helper()
	declared := map[string]bool{}
	for _, p := range d.Permissions {
		declared[p.IAM] = true
	}
	called := map[string]bool{}
	for action := range a.calls() {
		called[strings.TrimSuffix(action, "?DryRun")] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(declared)), slices.Sorted(maps.Keys(called))); diff != "" {
		t.Errorf("IAM actions (-declared +called):\n%s", diff)
	}
}

func FuzzParseProviderID(f *testing.F) {
	for _, seed := range []string{"aws:///eu-central-1a/i-0123456789abcdef0", "aws:///us-west-2-lax-1a/i-0123456789abcdef0", "aws://", "kind://docker/a/b", "aws:////fargate-x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		zone, instance, err := parseProviderID(id)
		if err == nil && (regionOf(zone) == "" || !instanceID.MatchString(instance)) {
			t.Errorf("%q gave zone %q and instance %q", id, zone, instance)
		}
	})
}

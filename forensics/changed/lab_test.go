package changed_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/changed"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// labVolume is an instance's volume in the lab whose content is an image file.
type labVolume struct {
	t        *testing.T
	lab      labenv.AWS
	client   *ec2.Client
	instance string
}

func newVolume(t *testing.T, imagePath string) *labVolume {
	t.Helper()
	v := &labVolume{t: t, lab: labenv.Load(t).AWS}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": v.lab.Endpoint, "AWS_REGION": v.lab.Region, "AWS_ACCESS_KEY_ID": "AKIATESTCHANGED", "AWS_SECRET_ACCESS_KEY": v.lab.SecretKey,
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.client = ec2.NewFromConfig(cfg)
	made, err := v.client.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String("ami-0123456789abcdef0"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(1)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v.instance = *made.Instances[0].InstanceId
	if _, err := v.client.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: []string{*made.Instances[0].BlockDeviceMappings[0].Ebs.VolumeId},
		Tags:      []types.Tag{{Key: aws.String("firebreak-lab/image"), Value: &imagePath}},
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

// snapshot takes one that is completed at once.
func (v *labVolume) snapshot() string {
	v.t.Helper()
	order, err := json.Marshal(map[string]any{"action": "CreateSnapshots", "kind": "duration", "millis": 1, "resource": v.instance})
	if err != nil {
		v.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(v.t.Context()), http.MethodPost, v.lab.Faults, strings.NewReader(string(order)))
	if err != nil {
		v.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	made, err := v.client.CreateSnapshots(v.t.Context(), &ec2.CreateSnapshotsInput{InstanceSpecification: &types.InstanceSpecification{InstanceId: &v.instance}})
	if err != nil {
		v.t.Fatal(err)
	}
	return *made.Snapshots[0].SnapshotId
}

// side opens a snapshot's file system, and gives the snapshot too.
func (v *labVolume) side(id string) (changed.Side, *block.Snapshot, *block.Reader) {
	v.t.Helper()
	client, err := block.NewEBSClient(v.t.Context(), v.lab.Region)
	if err != nil {
		v.t.Fatal(err)
	}
	s, err := block.OpenSnapshot(v.t.Context(), client, id, block.Options{})
	if err != nil {
		v.t.Fatal(err)
	}
	disk := s.Device(v.t.Context())
	v.t.Cleanup(func() { _ = disk.Close() })
	opened, err := image.Open(disk, image.Options{})
	if err != nil || len(opened.Volumes) != 1 {
		v.t.Fatalf("%+v, %v", opened, err)
	}
	one := opened.Volumes[0]
	return changed.Side{FS: one.FS, Size: one.Part.Size}, s, disk
}

// TestTwoSnapshots maps what the kernel changed on a mounted disk between two snapshots of it.
func TestTwoSnapshots(t *testing.T) {
	m := mount(t, "-b", "4096")
	m.fill()
	v := newVolume(t, m.image)
	first := v.snapshot()
	m.change()
	second := v.snapshot()
	before, _, _ := v.side(first)
	after, s, disk := v.side(second)
	blocks, err := s.ChangedSince(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	ranges := []changed.Stretch{}
	for _, b := range blocks {
		ranges = append(ranges, changed.Stretch{Offset: b.Offset, Length: b.Length})
	}
	report, err := changed.Map(t.Context(), changed.Input{Before: before, After: after, Ranges: ranges, Owner: owner}, changed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want(), told(report)); diff != "" || len(report.Problems) > 0 {
		t.Errorf("problems %q (-want +got):\n%s", report.Problems, diff)
	}
	if st := disk.Stats(); len(blocks) == 0 || st.Read == 0 {
		t.Errorf("%d changed ranges, %+v", len(blocks), st)
	}
}

package forensics_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/forensics"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// preserved is a snapshot in the lab of a disk that the test made, with an access key of its own to order faults for.
type preserved struct {
	t        *testing.T
	lab      labenv.AWS
	key      string
	image    string
	snapshot string
	store    *custody.Store
	deps     forensics.Deps
}

func preserve(t *testing.T, image string) *preserved {
	t.Helper()
	p := &preserved{t: t, lab: labenv.Load(t).AWS, key: "AKIATEST" + rand.Text()[:12], image: image, store: newStore(t)}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": p.lab.Endpoint, "AWS_REGION": p.lab.Region, "AWS_ACCESS_KEY_ID": p.key, "AWS_SECRET_ACCESS_KEY": p.lab.SecretKey,
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	t.Cleanup(p.heal)
	p.fault("CreateSnapshots", "duration", map[string]any{"millis": 1})
	p.snapshot = p.take()
	p.deps = forensics.Deps{Store: p.store, EBS: block.NewEBSClient, Block: block.Options{
		Attempts: 2, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}}
	return p
}

// take binds the image to a volume and snapshots it.
func (p *preserved) take() string {
	p.t.Helper()
	ctx := p.t.Context()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	client := ec2.NewFromConfig(cfg)
	made, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String("ami-0123456789abcdef0"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(1)}}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	instance := made.Instances[0]
	_, err = client.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: []string{*instance.BlockDeviceMappings[0].Ebs.VolumeId},
		Tags:      []types.Tag{{Key: aws.String("firebreak-lab/image"), Value: &p.image}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	out, err := client.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{InstanceSpecification: &types.InstanceSpecification{InstanceId: instance.InstanceId}})
	if err != nil {
		p.t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // the snapshot takes one millisecond
	return *out.Snapshots[0].SnapshotId
}

func (p *preserved) fault(action, kind string, more map[string]any) {
	p.t.Helper()
	order := map[string]any{"action": action, "kind": kind, "resource": p.key}
	for k, v := range more {
		order[k] = v
	}
	body, err := json.Marshal(order)
	if err != nil {
		p.t.Fatal(err)
	}
	p.request(http.MethodPost, p.lab.Faults, body)
}

// heal withdraws the faults that the test ordered.
func (p *preserved) heal() { p.request(http.MethodDelete, p.lab.Faults+"?resource="+p.key, nil) }

func (p *preserved) request(method, at string, body []byte) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(p.t.Context()), method, at, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		p.t.Fatalf("%s %s: %s", method, at, answer.Status)
	}
}

func (p *preserved) read(in forensics.ReadSnapshotInput) (forensics.ReadSnapshotOutput, error) {
	p.t.Helper()
	in.Snapshot = p.snapshot
	return run[forensics.ReadSnapshotOutput](p.t, forensics.ReadSnapshot(p.deps), call("read"), in)
}

// same compares the image in the evidence with the disk.
func (p *preserved) same(name string) {
	p.t.Helper()
	c, err := p.store.Case(call("read").Case)
	if err != nil {
		p.t.Fatal(err)
	}
	want, err := os.ReadFile(p.image)
	if err != nil {
		p.t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(c.Dir(), name))
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, want) {
		p.t.Errorf("%s is not the disk: %v", name, err)
	}
}

// TestAnalyze is the whole way: snapshot, image, our listing and docker-explorer's.
func TestAnalyze(t *testing.T) {
	p := preserve(t, dockerDisk(t))
	p.deps.DockerExplorer = explorer(t)
	read, err := p.read(forensics.ReadSnapshotInput{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(read.Summary)
	p.same(read.Image)
	again, err := p.read(forensics.ReadSnapshotInput{})
	if err != nil || fmt.Sprint(again) != fmt.Sprint(read) {
		t.Errorf("a second run differs: %v\n%+v\n%+v", err, again, read)
	}
	in := forensics.ImageInput{Image: read.Image}
	list, err := run[forensics.ListContainersOutput](t, forensics.ListContainers(p.deps), call("list"), in)
	if err != nil || list.Total != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	explored, err := run[forensics.DockerExplorerOutput](t, forensics.DockerExplorer(p.deps), call("explore"), in)
	if err != nil || explored.Total != 3 {
		t.Errorf("%+v, %v", explored, err)
	}
}

// TestCorruptBlock fails with the place and what to do, keeps the index, and goes on once the block comes right.
func TestCorruptBlock(t *testing.T) {
	p := preserve(t, dockerDisk(t))
	p.fault("GetSnapshotBlock", "corrupt", map[string]any{"count": -1, "block": 0})
	_, err := p.read(forensics.ReadSnapshotInput{})
	if kindOf(err) != activities.Corrupt || !strings.Contains(err.Error(), "block 0 at byte 0") || !strings.Contains(err.Error(), "retry the step") {
		t.Fatal(err)
	}
	c, err := p.store.Case(call("read").Case)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(c.Dir(), "data", p.snapshot, "blocks-corrupt.jsonl")); err != nil {
		t.Errorf("the index is not kept: %v", err)
	}
	p.heal()
	read, err := p.read(forensics.ReadSnapshotInput{})
	if err != nil || len(read.Corrupt) != 0 || read.Read != read.Blocks {
		t.Fatalf("%+v, %v", read, err)
	}
	p.same(read.Image)
}

func TestAcceptCorrupt(t *testing.T) {
	p := preserve(t, dockerDisk(t))
	p.fault("GetSnapshotBlock", "corrupt", map[string]any{"count": -1, "block": 0})
	read, err := p.read(forensics.ReadSnapshotInput{AcceptCorrupt: true})
	if err != nil || len(read.Corrupt) != 1 || read.NeverRead != 1 || len(read.Warnings) != 1 || read.Read != read.Blocks-1 {
		t.Errorf("%+v, %v", read, err)
	}
}

// TestRefusals says for each failure of the API whether a retry helps.
func TestRefusals(t *testing.T) {
	p := preserve(t, dockerDisk(t))
	for fault, want := range map[string]activities.Kind{"unauthorized": activities.Forbidden, "throttle": "", "expired": "", "error500": ""} {
		p.fault("GetSnapshotBlock", fault, map[string]any{"count": -1})
		_, err := p.read(forensics.ReadSnapshotInput{})
		if err == nil || kindOf(err) != want {
			t.Errorf("%s: %v, want the kind %q", fault, err, want)
		}
		var throttled *activities.ThrottledError
		if errors.As(err, &throttled) != (fault == "throttle") {
			t.Errorf("%s: %v", fault, err)
		}
		p.heal()
	}
	p.fault("ListSnapshotBlocks", "unauthorized", map[string]any{"count": -1})
	if _, err := p.read(forensics.ReadSnapshotInput{}); kindOf(err) != activities.Forbidden || !strings.Contains(err.Error(), "grant ebs:ListSnapshotBlocks") {
		t.Errorf("listing refused: %v", err)
	}
	p.heal()
	p.snapshot = "snap-00000000000000000"
	if _, err := p.read(forensics.ReadSnapshotInput{}); kindOf(err) != activities.NotFound {
		t.Errorf("no such snapshot: %v", err)
	}
	p.snapshot = "../../etc"
	if _, err := p.read(forensics.ReadSnapshotInput{}); kindOf(err) != activities.InvalidInput {
		t.Errorf("no snapshot id: %v", err)
	}
}

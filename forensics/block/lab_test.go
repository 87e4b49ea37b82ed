package block

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// disk is a snapshot in the lab whose volume's image the test made, with an access key of its own to order faults for.
type disk struct {
	t        *testing.T
	lab      labenv.AWS
	key      string
	snapshot string
	image    []byte
	dir      string // of the image's file
	instance string
	client   EBS
}

const testBlock = 512 << 10

// newDisk makes an image with a few blocks of data between holes, binds it to an instance's volume and snapshots it.
func newDisk(t *testing.T, millis int) *disk {
	t.Helper()
	d := &disk{t: t, lab: labenv.Load(t).AWS, key: "AKIATEST" + rand.Text()[:12]}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": d.lab.Endpoint, "AWS_REGION": d.lab.Region, "AWS_ACCESS_KEY_ID": d.key,
		"AWS_SECRET_ACCESS_KEY": d.lab.SecretKey, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	t.Cleanup(func() { d.request(http.MethodDelete, d.lab.Faults+"?resource="+d.key, nil) })
	d.fault(order{Action: "CreateSnapshots", Kind: "duration", Millis: millis})
	d.snapshot = d.take(d.draw())
	client, err := NewEBSClient(t.Context(), d.lab.Region)
	if err != nil {
		t.Fatal(err)
	}
	d.client = client
	return d
}

// draw writes an image whose blocks 0, 2, 3, 4, 9 to 40 and the torn last one hold data.
func (d *disk) draw() string {
	d.t.Helper()
	d.image = make([]byte, 60*testBlock+1234)
	fill := func(from, to int) {
		if _, err := rand.Read(d.image[from:to]); err != nil {
			d.t.Fatal(err)
		}
	}
	fill(100, 200)
	fill(2*testBlock, 5*testBlock)
	fill(9*testBlock, 41*testBlock)
	fill(60*testBlock, len(d.image))
	d.dir = d.t.TempDir()
	path := filepath.Join(d.dir, "image")
	if err := os.WriteFile(path, d.image, 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

func (d *disk) take(image string) string {
	d.t.Helper()
	ctx := d.t.Context()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	client := ec2.NewFromConfig(cfg)
	made, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String("ami-0123456789abcdef0"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(1)}}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	instance := made.Instances[0]
	d.instance = *instance.InstanceId
	if _, err := client.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: []string{*instance.BlockDeviceMappings[0].Ebs.VolumeId},
		Tags:      []types.Tag{{Key: aws.String("firebreak-lab/image"), Value: &image}},
	}); err != nil {
		d.t.Fatal(err)
	}
	return d.snapshotBy(client)
}

// again takes another snapshot of the same volume.
func (d *disk) again() string {
	d.t.Helper()
	cfg, err := config.LoadDefaultConfig(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	d.fault(order{Action: "CreateSnapshots", Kind: "duration", Millis: 1})
	return d.snapshotBy(ec2.NewFromConfig(cfg))
}

func (d *disk) snapshotBy(client *ec2.Client) string {
	d.t.Helper()
	made, err := client.CreateSnapshots(d.t.Context(), &ec2.CreateSnapshotsInput{InstanceSpecification: &types.InstanceSpecification{InstanceId: &d.instance}})
	if err != nil {
		d.t.Fatal(err)
	}
	return *made.Snapshots[0].SnapshotId
}

// open opens the snapshot with pauses that do not slow the test down.
func (d *disk) open(opts Options) *Snapshot {
	d.t.Helper()
	opts.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	s, err := OpenSnapshot(d.t.Context(), d.client, d.snapshot, opts)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// held lists the blocks of the image that are not zero.
func (d *disk) held() []int32 {
	var out []int32
	zeros := make([]byte, testBlock)
	for at := 0; at < len(d.image); at += testBlock {
		block := d.image[at:min(at+testBlock, len(d.image))]
		if !bytes.Equal(block, zeros[:len(block)]) {
			out = append(out, int32(at/testBlock))
		}
	}
	return out
}

type order struct {
	Action   string `json:"action"`
	Kind     string `json:"kind"`
	Resource string `json:"resource"`
	Block    *int32 `json:"block,omitempty"`
	Count    int    `json:"count,omitempty"`
	After    int    `json:"after,omitempty"`
	Millis   int    `json:"millis,omitempty"`
}

func (d *disk) fault(o order) {
	d.t.Helper()
	o.Resource = d.key
	body, err := json.Marshal(o)
	if err != nil {
		d.t.Fatal(err)
	}
	d.request(http.MethodPost, d.lab.Faults, body)
}

func (d *disk) request(method, at string, body []byte) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(d.t.Context()), method, at, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		d.t.Fatalf("%s %s: %s", method, at, answer.Status)
	}
}

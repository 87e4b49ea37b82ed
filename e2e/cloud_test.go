package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// imageTag binds a volume to the disk image that its snapshots are copies of.
const imageTag = "firebreak-lab/image"

// cloud is the lab's AWS as one test sees it: an instance of its own, whose volume has the disk of a kwok node, and an
// access key under which its calls are counted and its faults ordered.
type cloud struct {
	t        *testing.T
	lab      labenv.Lab
	ec2      *ec2.Client
	key      string
	instance string
	volumes  []string
}

func newCloud(t *testing.T, lab labenv.Lab) *cloud {
	t.Helper()
	c := &cloud{t: t, lab: lab, key: "AKIAE2E" + rand.Text()[:13]}
	c.ec2 = ec2.New(ec2.Options{
		Region: lab.AWS.Region, BaseEndpoint: &lab.AWS.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAADMIN"+rand.Text()[:11], lab.AWS.SecretKey, ""),
	})
	c.launch(c.image())
	t.Cleanup(func() { c.request(http.MethodDelete, lab.AWS.Faults+"?resource="+c.key, nil, nil) })
	return c
}

// image is the disk that the lab's kwok nodes share.
func (c *cloud) image() string {
	c.t.Helper()
	for _, n := range c.lab.Nodes {
		if !n.Real && n.Image != "" {
			return n.Image
		}
	}
	c.t.Fatal("no kwok node of the lab has a disk image")
	return ""
}

func (c *cloud) launch(image string) {
	c.t.Helper()
	made, err := c.ec2.RunInstances(c.t.Context(), &ec2.RunInstancesInput{
		ImageId: sdk.String("ami-0123456789abcdef0"), InstanceType: types.InstanceTypeM5Large, MinCount: sdk.Int32(1), MaxCount: sdk.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{{
			DeviceName: sdk.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: sdk.Int32(1), VolumeType: types.VolumeTypeGp3},
		}},
	})
	kubetest.Must(c.t, err)
	c.instance = *made.Instances[0].InstanceId
	out, err := c.ec2.DescribeVolumes(c.t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{
		{Name: sdk.String("attachment.instance-id"), Values: []string{c.instance}},
	}})
	kubetest.Must(c.t, err)
	for _, v := range out.Volumes {
		c.bind(*v.VolumeId, image)
	}
}

// attach gives the instance a second volume, with the same disk.
func (c *cloud) attach(image string) {
	c.t.Helper()
	made, err := c.ec2.CreateVolume(c.t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: sdk.String(c.lab.AWS.Region + "a"), Size: sdk.Int32(1), VolumeType: types.VolumeTypeGp3,
	})
	kubetest.Must(c.t, err)
	_, err = c.ec2.AttachVolume(c.t.Context(), &ec2.AttachVolumeInput{InstanceId: &c.instance, VolumeId: made.VolumeId, Device: sdk.String("/dev/sdf")})
	kubetest.Must(c.t, err)
	c.bind(*made.VolumeId, image)
}

func (c *cloud) bind(volume, image string) {
	c.t.Helper()
	_, err := c.ec2.CreateTags(c.t.Context(), &ec2.CreateTagsInput{
		Resources: []string{volume}, Tags: []types.Tag{{Key: sdk.String(imageTag), Value: &image}},
	})
	kubetest.Must(c.t, err)
	c.volumes = append(c.volumes, volume)
}

// snapshots gives the snapshots of the test's volumes.
func (c *cloud) snapshots() []types.Snapshot {
	c.t.Helper()
	out, err := c.ec2.DescribeSnapshots(c.t.Context(), &ec2.DescribeSnapshotsInput{Filters: []types.Filter{
		{Name: sdk.String("volume-id"), Values: c.volumes},
	}})
	kubetest.Must(c.t, err)
	return out.Snapshots
}

// pending tells whether there are snapshots and none of them is complete.
func (c *cloud) pending() bool {
	c.t.Helper()
	all := c.snapshots()
	return len(all) > 0 && !slices.ContainsFunc(all, func(s types.Snapshot) bool { return s.State != types.SnapshotStatePending })
}

// fault is a failure that a test orders for its own calls.
type fault struct {
	Action   string `json:"action"`
	Kind     string `json:"kind"`
	Resource string `json:"resource"`
	Count    int    `json:"count,omitempty"`
	After    int    `json:"after,omitempty"`
	Millis   int    `json:"millis,omitempty"`
	Struck   int    `json:"struck,omitempty"` // as the front answers: how often it has struck
}

// struck checks that each fault that the test ordered, by action, struck as often as it was to.
func (c *cloud) struck(want map[string]int) {
	c.t.Helper()
	var all []fault
	c.request(http.MethodGet, c.lab.AWS.Faults, nil, &all)
	got := map[string]int{}
	for _, f := range all {
		if f.Resource == c.key {
			got[f.Action] += f.Struck
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("faults that struck (-want +got):\n%s", diff)
	}
}

func (c *cloud) fault(f fault) {
	c.t.Helper()
	f.Resource = c.key
	c.request(http.MethodPost, c.lab.AWS.Faults, f, nil)
}

// heal ends the test's faults.
func (c *cloud) heal() {
	c.t.Helper()
	c.request(http.MethodDelete, c.lab.AWS.Faults+"?resource="+c.key, nil, nil)
}

// calls counts the calls of one action by the test's worker.
func (c *cloud) calls(action string) int {
	c.t.Helper()
	var all map[string]map[string]int
	at := strings.TrimSuffix(c.lab.AWS.Faults, "faults") + "calls?resource=" + url.QueryEscape(c.key)
	c.request(http.MethodGet, at, nil, &all)
	return all[action][c.key]
}

func (c *cloud) request(method, at string, in, out any) {
	c.t.Helper()
	var body bytes.Buffer
	if in != nil {
		kubetest.Must(c.t, json.NewEncoder(&body).Encode(in))
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(c.t.Context()), method, at, &body)
	kubetest.Must(c.t, err)
	answer, err := http.DefaultClient.Do(r)
	kubetest.Must(c.t, err)
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		c.t.Fatalf("%s %s: %s", method, at, answer.Status)
	}
	if out != nil {
		kubetest.Must(c.t, json.NewDecoder(answer.Body).Decode(out))
	}
}

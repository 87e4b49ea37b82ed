package aws

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// account is the lab's AWS as one test sees it: with an access key of its own, under which calls are counted and
// faults ordered, and an instance with two volumes of its own.
type account struct {
	t        *testing.T
	lab      labenv.AWS
	key      string
	admin    *ec2.Client // with another key, so that its calls are not counted as the activity's
	instance types.Instance
}

func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{t: t, lab: labenv.Load(t).AWS}
	a.admin = a.client("AKIAADMIN" + rand.Text()[:12])
	a.key = "AKIATEST" + rand.Text()[:12]
	t.Setenv("AWS_ACCESS_KEY_ID", a.key)
	a.instance = a.launch()
	t.Cleanup(func() { a.request(http.MethodDelete, a.lab.Faults+"?resource="+a.key, nil, nil) })
	return a
}

func (a *account) client(key string) *ec2.Client {
	a.t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": a.lab.Endpoint, "AWS_REGION": a.lab.Region, "AWS_ACCESS_KEY_ID": key,
		"AWS_SECRET_ACCESS_KEY": a.lab.SecretKey, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		a.t.Setenv(name, value)
	}
	cfg, err := config.LoadDefaultConfig(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return ec2.NewFromConfig(cfg)
}

func (a *account) launch() types.Instance {
	a.t.Helper()
	disk := func(device string, encrypted bool) types.BlockDeviceMapping {
		return types.BlockDeviceMapping{DeviceName: &device, Ebs: &types.EbsBlockDevice{
			VolumeSize: sdk.Int32(1), VolumeType: types.VolumeTypeGp3, Encrypted: &encrypted}}
	}
	made, err := a.admin.RunInstances(a.t.Context(), &ec2.RunInstancesInput{
		ImageId: sdk.String("ami-0123456789abcdef0"), InstanceType: types.InstanceTypeM5dLarge, MinCount: sdk.Int32(1), MaxCount: sdk.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{disk("/dev/xvda", false), disk("/dev/xvdb", true)},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return made.Instances[0]
}

func (a *account) id() string { return *a.instance.InstanceId }

// snapshots counts the snapshots of the test's instance, whatever their tags.
func (a *account) snapshots() []types.Snapshot {
	a.t.Helper()
	volumes, err := attachedVolumes(a.t.Context(), a.admin, a.id())
	if err != nil {
		a.t.Fatal(err)
	}
	var ids []string
	for _, v := range volumes {
		ids = append(ids, *v.VolumeId)
	}
	out, err := a.admin.DescribeSnapshots(a.t.Context(), &ec2.DescribeSnapshotsInput{Filters: []types.Filter{filter("volume-id", ids...)}})
	if err != nil {
		a.t.Fatal(err)
	}
	return out.Snapshots
}

type order struct {
	Action   string `json:"action"`
	Kind     string `json:"kind"`
	Resource string `json:"resource"`
	Count    int    `json:"count,omitempty"`
	After    int    `json:"after,omitempty"`
	Millis   int    `json:"millis,omitempty"`
}

// fault orders a failure for the calls of this test alone.
func (a *account) fault(o order) {
	a.t.Helper()
	o.Resource = a.key
	a.request(http.MethodPost, a.lab.Faults, o, nil)
}

// calls gives the IAM actions that the test's access key used, with their counts.
func (a *account) calls() map[string]int {
	a.t.Helper()
	var all map[string]map[string]int
	at := strings.TrimSuffix(a.lab.Faults, "faults") + "calls?resource=" + url.QueryEscape(a.key)
	a.request(http.MethodGet, at, nil, &all)
	out := map[string]int{}
	for action, counts := range all {
		out[action] = counts[a.key]
	}
	return out
}

func (a *account) request(method, at string, in, out any) {
	a.t.Helper()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			a.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(a.t.Context()), method, at, &body)
	if err != nil {
		a.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		a.t.Fatalf("%s %s: %s", method, at, answer.Status)
	}
	if out != nil {
		if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
			a.t.Fatal(err)
		}
	}
}

// history plays the heartbeats of Temporal: what one attempt reports last is what the next one resumes from.
type history struct {
	mu     sync.Mutex
	all    []activities.Progress
	before *activities.Progress
}

func (h *history) Report(p activities.Progress) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, p)
}

func (h *history) Last() (activities.Progress, bool) {
	if h.before == nil {
		return activities.Progress{}, false
	}
	return *h.before, true
}

// next is the history that the attempt after this one sees.
func (h *history) next() *history {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.all) == 0 {
		return &history{before: h.before}
	}
	last := h.all[len(h.all)-1]
	return &history{before: &last}
}

func run[Out any](ctx context.Context, d activities.Definition, call activities.Call, in any) (Out, error) {
	var out Out
	raw, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	got, err := d.Run(ctx, call, raw)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(got, &out)
}

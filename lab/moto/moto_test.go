package moto

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/lab/process"
	"github.com/firebreak-ir/firebreak/lab/python"
)

// serve starts the real moto; it comes from the cache that `lab up` fills.
func serve(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	env, err := python.Ensure(t.Context(), filepath.Join(cache, "firebreak", "lab"), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	ports, err := process.FreePorts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	group, err := process.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := group.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := group.Start(t.Context(), Spec(env, ports[0])); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0])
}

func TestLaunchBindsTheRootVolumeToItsImage(t *testing.T) {
	endpoint := serve(t)
	machine := Machine{Name: "node-1", GiB: 3, Image: "/var/lab/node-1.img", Tag: "firebreak-lab/image"}
	bound, err := Launch(t.Context(), endpoint, machine)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(bound.Instance, "i-") || !strings.HasPrefix(bound.Volume, "vol-") {
		t.Errorf("got %+v", bound)
	}
	if got, want := bound.ProviderID(), "aws:///us-east-1a/"+bound.Instance; got != want {
		t.Errorf("provider id %q, want %q", got, want)
	}
	var answer struct {
		Volumes []struct {
			ID   string `xml:"volumeId"`
			GiB  int64  `xml:"size"`
			Tags []struct {
				Key   string `xml:"key"`
				Value string `xml:"value"`
			} `xml:"tagSet>item"`
		} `xml:"volumeSet>item"`
	}
	if err := (caller{endpoint}).call(t.Context(), "DescribeVolumes", map[string][]string{"VolumeId.1": {bound.Volume}}, &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Volumes) != 1 || answer.Volumes[0].GiB != machine.GiB {
		t.Fatalf("volumes %+v", answer.Volumes)
	}
	tags := map[string]string{}
	for _, tag := range answer.Volumes[0].Tags {
		tags[tag.Key] = tag.Value
	}
	if tags[machine.Tag] != machine.Image {
		t.Errorf("tags %v", tags)
	}
}

func TestLaunchBindsASecondVolumeToItsOwnImage(t *testing.T) {
	endpoint := serve(t)
	bound, err := Launch(t.Context(), endpoint, Machine{Name: "node-2", GiB: 3, Image: "/var/lab/root.img", Tag: "image", Data: "/var/lab/data.img"})
	if err != nil {
		t.Fatal(err)
	}
	for volume, want := range map[string]string{bound.Volume: "/var/lab/root.img", bound.Data: "/var/lab/data.img"} {
		var answer struct {
			Values []string `xml:"volumeSet>item>tagSet>item>value"`
		}
		if err := (caller{endpoint}).call(t.Context(), "DescribeVolumes", map[string][]string{"VolumeId.1": {volume}}, &answer); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(answer.Values, want) {
			t.Errorf("volume %q has the tags %q, want %q", volume, answer.Values, want)
		}
	}
}

func TestARefusalIsQuoted(t *testing.T) {
	_, err := caller{serve(t)}.volume(t.Context(), "i-0000000000000000", rootDevice)
	if err == nil || !strings.Contains(err.Error(), "0 volumes") {
		t.Errorf("got %v", err)
	}
	_, err = Launch(t.Context(), "http://127.0.0.1:1", Machine{Name: "node-1", GiB: 1})
	if err == nil || !strings.Contains(err.Error(), `node "node-1"`) {
		t.Errorf("got %v", err)
	}
}

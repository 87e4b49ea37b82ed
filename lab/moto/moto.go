// Package moto runs moto, which answers as EC2, IAM, SSM, S3 and Auto Scaling, and makes the lab's instances in it.
package moto

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/lab/process"
	"github.com/firebreak-ir/firebreak/lab/python"
)

// What the lab calls itself towards AWS. moto takes any key; the front counts calls under the key's name.
const (
	Region    = "us-east-1"
	Zone      = "us-east-1a"
	AccessKey = "lab-admin"
	SecretKey = "lab-admin-secret"
)

// Spec is the server as a process of the lab.
func Spec(env python.Env, port int) process.Spec {
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	return process.Spec{
		Name: "moto", Path: env.Moto(), Args: []string{"--host", "127.0.0.1", "--port", strconv.Itoa(port)},
		Env: []string{
			"MOTO_EC2_LOAD_DEFAULT_AMIS=false", "PYTHONUNBUFFERED=1", "AWS_DEFAULT_REGION=" + Region,
			"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey,
		},
		Ready: process.HTTPReady(http.DefaultClient, url+"/moto-api/data.json"), Within: time.Minute,
		Grace: 2 * time.Second,
	}
}

// Machine is one instance to make, with the disk image that is its root volume.
type Machine struct {
	Name  string // the node's
	GiB   int64
	Image string // path of the disk image file
	Tag   string // the tag that binds a volume to its image
	Data  string // path of the image of a second volume of one GiB; none when empty
}

// Bound is a made instance with its volumes. Data is empty without a second one.
type Bound struct{ Instance, Volume, Data string }

// The devices of an instance's volumes.
const (
	rootDevice = "/dev/xvda"
	dataDevice = "/dev/xvdb"
)

// ProviderID is how Kubernetes names the instance.
func (b Bound) ProviderID() string { return "aws:///" + Zone + "/" + b.Instance }

// Launch makes the instance and binds its volumes to their images.
func Launch(ctx context.Context, endpoint string, m Machine) (Bound, error) {
	c := caller{endpoint: endpoint}
	instance, err := c.run(ctx, m)
	if err != nil {
		return Bound{}, fmt.Errorf("launch instance of node %q: %w", m.Name, err)
	}
	bound := Bound{Instance: instance}
	if bound.Volume, err = c.bind(ctx, instance, rootDevice, m, m.Image, "root"); err != nil {
		return Bound{}, err
	}
	if m.Data != "" {
		bound.Data, err = c.bind(ctx, instance, dataDevice, m, m.Data, "data")
	}
	return bound, err
}

// bind tags the volume of a device with the image that is its content.
func (c caller) bind(ctx context.Context, instance, device string, m Machine, image, what string) (string, error) {
	volume, err := c.volume(ctx, instance, device)
	if err != nil {
		return "", fmt.Errorf("find %s volume of instance %q: %w", what, instance, err)
	}
	err = c.call(ctx, "CreateTags", url.Values{
		"ResourceId.1": {volume}, "Tag.1.Key": {m.Tag}, "Tag.1.Value": {image}, "Tag.2.Key": {"Name"}, "Tag.2.Value": {m.Name + "-" + what},
	}, nil)
	if err != nil {
		return "", fmt.Errorf("bind volume %q to its image: %w", volume, err)
	}
	return volume, nil
}

// caller speaks EC2's query protocol, as much of it as the lab needs.
type caller struct{ endpoint string }

func (c caller) run(ctx context.Context, m Machine) (string, error) {
	var answer struct {
		Instances []struct {
			ID string `xml:"instanceId"`
		} `xml:"instancesSet>item"`
	}
	form := url.Values{
		"ImageId": {"ami-0f1eb4eac4b1ab000"}, "MinCount": {"1"}, "MaxCount": {"1"}, "InstanceType": {"m5.xlarge"},
		"Placement.AvailabilityZone":      {Zone},
		"BlockDeviceMapping.1.DeviceName": {rootDevice}, "BlockDeviceMapping.1.Ebs.VolumeSize": {strconv.FormatInt(m.GiB, 10)},
		"BlockDeviceMapping.1.Ebs.VolumeType":          {"gp3"},
		"BlockDeviceMapping.1.Ebs.DeleteOnTermination": {"true"},
		"TagSpecification.1.ResourceType":              {"instance"},
		"TagSpecification.1.Tag.1.Key":                 {"Name"}, "TagSpecification.1.Tag.1.Value": {m.Name},
		"TagSpecification.1.Tag.2.Key": {"kubernetes.io/cluster/lab"}, "TagSpecification.1.Tag.2.Value": {"owned"},
	}
	if m.Data != "" {
		form.Set("BlockDeviceMapping.2.DeviceName", dataDevice)
		form.Set("BlockDeviceMapping.2.Ebs.VolumeSize", "1")
		form.Set("BlockDeviceMapping.2.Ebs.VolumeType", "gp3")
	}
	if err := c.call(ctx, "RunInstances", form, &answer); err != nil {
		return "", err
	}
	if len(answer.Instances) != 1 {
		return "", fmt.Errorf("asked for one instance, got %d", len(answer.Instances))
	}
	return answer.Instances[0].ID, nil
}

func (c caller) volume(ctx context.Context, instance, device string) (string, error) {
	var answer struct {
		Volumes []string `xml:"volumeSet>item>volumeId"`
	}
	err := c.call(ctx, "DescribeVolumes", url.Values{
		"Filter.1.Name": {"attachment.instance-id"}, "Filter.1.Value.1": {instance}, "Filter.2.Name": {"attachment.device"}, "Filter.2.Value.1": {device},
	}, &answer)
	if err != nil {
		return "", err
	}
	if len(answer.Volumes) != 1 {
		return "", fmt.Errorf("found %d volumes instead of one", len(answer.Volumes))
	}
	return answer.Volumes[0], nil
}

// call sends one request. moto does not check signatures; the header only tells it service, region and key.
func (c caller) call(ctx context.Context, action string, form url.Values, answer any) error {
	form.Set("Action", action)
	form.Set("Version", "2016-11-15")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+AccessKey+"/20260101/"+Region+"/ec2/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", action, response.Status, body)
	}
	if answer == nil {
		return nil
	}
	return xml.Unmarshal(body, answer)
}

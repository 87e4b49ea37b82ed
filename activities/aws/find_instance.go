package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/firebreak-ir/firebreak/activities"
)

// FindInstanceIn names the node whose instance is wanted.
type FindInstanceIn struct {
	ProviderID string `json:"providerID,omitempty" doc:"The node's provider id, aws:///ZONE/INSTANCE; surer than its name"`
	Node       string `json:"node,omitempty" doc:"The node's name: its private DNS name, its instance id, or the Name tag of an instance that belongs to a cluster; used when there is no provider id"`
	Region     string `json:"region,omitempty" doc:"AWS region; taken from the provider id, else the worker's own"`
}

// FindInstanceOut is what EC2 knows of the instance.
type FindInstanceOut struct {
	activities.Result
	ID               string             `json:"id" doc:"Instance id"`
	Account          string             `json:"account" doc:"AWS account id"`
	Region           string             `json:"region" doc:"AWS region"`
	Zone             string             `json:"zone" doc:"Availability zone"`
	State            string             `json:"state" doc:"State of the instance, such as running"`
	Type             string             `json:"type" doc:"Instance type"`
	Launched         time.Time          `json:"launched,omitzero" doc:"When it was launched"`
	Image            string             `json:"image,omitempty" doc:"AMI id"`
	Profile          string             `json:"profile,omitempty" doc:"ARN of the instance profile, whose credentials the node holds"`
	AutoScalingGroup string             `json:"autoScalingGroup,omitempty" doc:"Auto Scaling group that may replace the instance"`
	Spot             bool               `json:"spot" doc:"True when AWS may take the instance away at two minutes' notice"`
	InstanceStoreGB  int64              `json:"instanceStoreGB" doc:"Size of disks that no snapshot holds and that are lost with the instance"`
	Interfaces       []NetworkInterface `json:"interfaces" doc:"Every network interface"`
	Volumes          []Volume           `json:"volumes" doc:"Every EBS volume"`
}

// NetworkInterface is one ENI of the instance.
type NetworkInterface struct {
	ID     string   `json:"id" doc:"ENI id"`
	IP     string   `json:"ip,omitempty" doc:"Primary private address"`
	VPC    string   `json:"vpc,omitempty" doc:"VPC id"`
	Groups []string `json:"groups" doc:"Security group ids"`
}

// Volume is one EBS volume of the instance.
type Volume struct {
	ID        string `json:"id" doc:"Volume id"`
	Device    string `json:"device" doc:"Device name on the instance"`
	SizeGiB   int32  `json:"sizeGiB" doc:"Size in GiB"`
	Encrypted bool   `json:"encrypted" doc:"True when it is encrypted, and so its snapshots"`
	Type      string `json:"type" doc:"Volume type, such as gp3"`
	Root      bool   `json:"root" doc:"True for the boot volume"`
}

// FindInstance finds the EC2 instance behind a node.
func FindInstance(c Clients) activities.Definition {
	return activities.Define(activities.Activity[FindInstanceIn, FindInstanceOut]{
		Name:        "aws.find_instance",
		Summary:     "Finds the EC2 instance behind a node, with its interfaces, volumes, profile and what may replace it.",
		Effect:      activities.Read,
		Place:       activities.OnCluster,
		Idempotency: "It only reads.",
		Permissions: []activities.Permission{
			{IAM: "ec2:DescribeInstances", Why: "find the instance by its id or private DNS name"},
			{IAM: "ec2:DescribeVolumes", Why: "list its volumes with size and encryption"},
			{IAM: "ec2:DescribeInstanceTypes", Why: "learn whether it has instance store, which no snapshot holds"},
		},
		Timeout: time.Minute,
		Example: "- id: instance\n  phase: identify\n  uses: aws.find_instance\n  with: {providerID: \"aws:///eu-central-1a/i-0123456789abcdef0\"}\n",
		Run: func(ctx context.Context, _ activities.Call, in FindInstanceIn) (FindInstanceOut, error) {
			return findInstance(ctx, c, in)
		},
	})
}

func findInstance(ctx context.Context, c Clients, in FindInstanceIn) (FindInstanceOut, error) {
	ask, err := wanted(&in)
	if err != nil {
		return FindInstanceOut{}, err
	}
	client, err := connect(ctx, c, in.Region)
	if err != nil {
		return FindInstanceOut{}, err
	}
	instance, account, err := findOne(ctx, client, ask, in)
	if err != nil {
		return FindInstanceOut{}, err
	}
	out := described(instance, account)
	if out.Volumes, err = volumesOf(ctx, client, out.ID, aws.ToString(instance.RootDeviceName)); err != nil {
		return FindInstanceOut{}, err
	}
	if out.InstanceStoreGB, err = instanceStore(ctx, client, instance.InstanceType); err != nil {
		return FindInstanceOut{}, err
	}
	out.Status, out.Summary = activities.Done, out.sentence()
	return out, nil
}

// wanted checks the input, completes its region and gives the question to EC2.
func wanted(in *FindInstanceIn) (*ec2.DescribeInstancesInput, error) {
	switch {
	case in.ProviderID != "":
		zone, instance, err := parseProviderID(in.ProviderID)
		if err != nil {
			return nil, err
		}
		if in.Region == "" {
			in.Region = regionOf(zone)
		}
		return &ec2.DescribeInstancesInput{InstanceIds: []string{instance}}, nil
	case instanceID.MatchString(in.Node):
		return &ec2.DescribeInstancesInput{InstanceIds: []string{in.Node}}, nil
	case in.Node != "":
		return &ec2.DescribeInstancesInput{Filters: []types.Filter{
			filter("private-dns-name", in.Node), alive(),
		}}, nil
	}
	return nil, activities.Invalid(errNoTarget, "give the node's providerID, or its name")
}

func alive() types.Filter {
	return filter("instance-state-name", "pending", "running", "stopping", "stopped", "shutting-down")
}

// findOne gives the one instance that answers to the input. A name that is no private DNS name may be a Name tag.
func findOne(ctx context.Context, client EC2API, ask *ec2.DescribeInstancesInput, in FindInstanceIn) (types.Instance, string, error) {
	found, account, err := describeInstances(ctx, client, ask)
	if err == nil && len(found) == 0 && len(ask.InstanceIds) == 0 {
		found, account, err = describeInstances(ctx, client, &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("tag:Name", in.Node), alive()}})
		found = slices.DeleteFunc(found, func(i types.Instance) bool { return !ofCluster(i) })
	}
	switch {
	case err != nil:
		return types.Instance{}, "", err
	case len(found) == 1:
		return found[0], account, nil
	case len(found) == 0:
		return types.Instance{}, "", activities.Permanent(activities.NotFound, fmt.Errorf("no EC2 instance is node %q", in.ProviderID+in.Node),
			"check the region and the account, or give the node's providerID")
	}
	return types.Instance{}, "", activities.Permanent(activities.Conflict, fmt.Errorf("%d EC2 instances have the name %q", len(found), in.Node),
		"give the node's providerID, which is unique")
}

// ofCluster tells an instance that belongs to a Kubernetes cluster: any machine may have a node's name as its Name tag.
func ofCluster(i types.Instance) bool {
	return slices.ContainsFunc(i.Tags, func(t types.Tag) bool {
		key := aws.ToString(t.Key)
		return strings.HasPrefix(key, "kubernetes.io/cluster/") || key == "eks:cluster-name" || key == "aws:eks:cluster-name"
	})
}

func describeInstances(ctx context.Context, client EC2API, ask *ec2.DescribeInstancesInput) (found []types.Instance, account string, err error) {
	pages := ec2.NewDescribeInstancesPaginator(client, ask)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, "", explain("ec2:DescribeInstances", err)
		}
		for _, r := range page.Reservations {
			found, account = append(found, r.Instances...), aws.ToString(r.OwnerId)
		}
	}
	return found, account, nil
}

func described(i types.Instance, account string) FindInstanceOut {
	out := FindInstanceOut{
		ID: aws.ToString(i.InstanceId), Account: account, Type: string(i.InstanceType), Image: aws.ToString(i.ImageId),
		Launched: aws.ToTime(i.LaunchTime), Spot: i.InstanceLifecycle == types.InstanceLifecycleTypeSpot,
		AutoScalingGroup: tagValue(i.Tags, "aws:autoscaling:groupName"), Interfaces: interfaces(i.NetworkInterfaces),
	}
	if i.Placement != nil {
		out.Zone = aws.ToString(i.Placement.AvailabilityZone)
		out.Region = regionOf(out.Zone)
	}
	if i.State != nil {
		out.State = string(i.State.Name)
	}
	if i.IamInstanceProfile != nil {
		out.Profile = aws.ToString(i.IamInstanceProfile.Arn)
	}
	return out
}

func interfaces(found []types.InstanceNetworkInterface) []NetworkInterface {
	out := make([]NetworkInterface, 0, len(found))
	for _, n := range found {
		one := NetworkInterface{ID: aws.ToString(n.NetworkInterfaceId), IP: aws.ToString(n.PrivateIpAddress), VPC: aws.ToString(n.VpcId), Groups: []string{}}
		for _, g := range n.Groups {
			one.Groups = append(one.Groups, aws.ToString(g.GroupId))
		}
		out = append(out, one)
	}
	return out
}

// instanceStore gives the size of the type's own disks. A type that EC2 does not describe has none that we know of.
func instanceStore(ctx context.Context, client EC2API, kind types.InstanceType) (int64, error) {
	found, err := client.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{kind}})
	if err != nil {
		return 0, explain("ec2:DescribeInstanceTypes", err)
	}
	for _, t := range found.InstanceTypes {
		if t.InstanceStorageInfo != nil {
			return aws.ToInt64(t.InstanceStorageInfo.TotalSizeInGB), nil
		}
	}
	return 0, nil
}

// sentence says what matters for preservation.
func (o FindInstanceOut) sentence() string {
	s := fmt.Sprintf("instance %s (%s, %s) in %s with %d volume(s) and %d interface(s)", o.ID, o.Type, o.State, o.Zone, len(o.Volumes), len(o.Interfaces))
	if o.Spot {
		s += "; it is a Spot instance: AWS may take it away"
	}
	if o.InstanceStoreGB > 0 {
		s += fmt.Sprintf("; its %d GB of instance store will be in no snapshot", o.InstanceStoreGB)
	}
	if o.AutoScalingGroup != "" {
		s += "; Auto Scaling group " + o.AutoScalingGroup + " may replace it"
	}
	return s
}

package aws

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

func tagValue(tags []types.Tag, key string) string {
	for _, t := range tags {
		if aws.ToString(t.Key) == key {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

// attachedVolumes gives the volumes attached to an instance, as EC2 describes them, in the order of their devices.
func attachedVolumes(ctx context.Context, client EC2API, instance string) ([]types.Volume, error) {
	var out []types.Volume
	pages := ec2.NewDescribeVolumesPaginator(client, &ec2.DescribeVolumesInput{
		Filters: []types.Filter{filter("attachment.instance-id", instance)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain("ec2:DescribeVolumes", err)
		}
		out = append(out, page.Volumes...)
	}
	slices.SortFunc(out, func(a, b types.Volume) int {
		return cmp.Or(cmp.Compare(deviceOf(a, instance), deviceOf(b, instance)), cmp.Compare(*a.VolumeId, *b.VolumeId))
	})
	return out, nil
}

func attachment(v types.Volume, instance string) types.VolumeAttachment {
	for _, a := range v.Attachments {
		if aws.ToString(a.InstanceId) == instance {
			return a
		}
	}
	return types.VolumeAttachment{}
}

func deviceOf(v types.Volume, instance string) string {
	return aws.ToString(attachment(v, instance).Device)
}

func volumesOf(ctx context.Context, client EC2API, instance, root string) ([]Volume, error) {
	found, err := attachedVolumes(ctx, client, instance)
	out := make([]Volume, 0, len(found))
	for _, v := range found {
		device := deviceOf(v, instance)
		out = append(out, Volume{
			ID: aws.ToString(v.VolumeId), Device: device, SizeGiB: aws.ToInt32(v.Size),
			Encrypted: aws.ToBool(v.Encrypted), Type: string(v.VolumeType), Root: device == root,
		})
	}
	return out, err
}

package block

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
)

// EBS is the part of the EBS direct APIs that reading a snapshot needs; the SDK's client satisfies it.
type EBS interface {
	ListSnapshotBlocks(context.Context, *ebs.ListSnapshotBlocksInput, ...func(*ebs.Options)) (*ebs.ListSnapshotBlocksOutput, error)
	GetSnapshotBlock(context.Context, *ebs.GetSnapshotBlockInput, ...func(*ebs.Options)) (*ebs.GetSnapshotBlockOutput, error)
}

// NewEBSClient makes a client from the SDK's own default chain of environment variables and files, AWS_ENDPOINT_URL
// included. An empty region leaves the choice to that chain. The SDK does not retry: this package counts its retries
// itself, against a budget.
func NewEBSClient(ctx context.Context, region string) (EBS, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	return ebs.NewFromConfig(cfg, func(o *ebs.Options) { o.Retryer = aws.NopRetryer{} }), nil
}

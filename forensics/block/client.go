package block

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
)

// EBS is the part of the EBS direct APIs that reading a snapshot needs; the SDK's client satisfies it.
type EBS interface {
	ListSnapshotBlocks(context.Context, *ebs.ListSnapshotBlocksInput, ...func(*ebs.Options)) (*ebs.ListSnapshotBlocksOutput, error)
	GetSnapshotBlock(context.Context, *ebs.GetSnapshotBlockInput, ...func(*ebs.Options)) (*ebs.GetSnapshotBlockOutput, error)
}

// Comparer is what comparing two snapshots needs besides. The client that NewEBSClient makes is one.
type Comparer interface {
	EBS
	ListChangedBlocks(context.Context, *ebs.ListChangedBlocksInput, ...func(*ebs.Options)) (*ebs.ListChangedBlocksOutput, error)
}

// Renewer is a client that can read its credentials anew when the service says that they have expired.
type Renewer interface {
	Renew(context.Context) error
}

// connections are kept open to the service: the SDK would keep ten, and open all others anew for each request.
const connections = 256

// client is the SDK's, made again with each renewal of the credentials.
type client struct {
	region string
	inner  atomic.Pointer[ebs.Client]
}

// NewEBSClient makes a client from the SDK's own default chain of environment variables and files, AWS_ENDPOINT_URL
// included. An empty region leaves the choice to that chain. The SDK does not retry: this package counts its retries
// itself, against a budget. The client is a Comparer and a Renewer.
func NewEBSClient(ctx context.Context, region string) (EBS, error) {
	c := &client{region: region}
	if err := c.Renew(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Renew reads the configuration and the credentials anew, from the files as they are now.
func (c *client) Renew(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.region), config.WithHTTPClient(
		awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConns, t.MaxIdleConnsPerHost = connections, connections })))
	if err != nil {
		return fmt.Errorf("load AWS configuration: %w", err)
	}
	c.inner.Store(ebs.NewFromConfig(cfg, func(o *ebs.Options) { o.Retryer = aws.NopRetryer{} }))
	return nil
}

// ListSnapshotBlocks is the SDK's.
func (c *client) ListSnapshotBlocks(ctx context.Context, in *ebs.ListSnapshotBlocksInput, opts ...func(*ebs.Options)) (*ebs.ListSnapshotBlocksOutput, error) {
	return c.inner.Load().ListSnapshotBlocks(ctx, in, opts...)
}

// GetSnapshotBlock is the SDK's.
func (c *client) GetSnapshotBlock(ctx context.Context, in *ebs.GetSnapshotBlockInput, opts ...func(*ebs.Options)) (*ebs.GetSnapshotBlockOutput, error) {
	return c.inner.Load().GetSnapshotBlock(ctx, in, opts...)
}

// ListChangedBlocks is the SDK's.
func (c *client) ListChangedBlocks(ctx context.Context, in *ebs.ListChangedBlocksInput, opts ...func(*ebs.Options)) (*ebs.ListChangedBlocksOutput, error) {
	return c.inner.Load().ListChangedBlocks(ctx, in, opts...)
}

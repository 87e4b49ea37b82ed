// Package aws finds the EC2 instance behind a node and preserves its volumes as snapshots, one activity a file.
package aws

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// EC2API is the part of EC2 that the activities of this package call; the SDK's client satisfies it.
type EC2API interface {
	ec2.DescribeInstancesAPIClient
	ec2.DescribeInstanceTypesAPIClient
	ec2.DescribeSnapshotsAPIClient
	ec2.DescribeVolumesAPIClient
	DescribeLockedSnapshots(context.Context, *ec2.DescribeLockedSnapshotsInput, ...func(*ec2.Options)) (*ec2.DescribeLockedSnapshotsOutput, error)
	LockSnapshot(context.Context, *ec2.LockSnapshotInput, ...func(*ec2.Options)) (*ec2.LockSnapshotOutput, error)
	CreateSnapshots(context.Context, *ec2.CreateSnapshotsInput, ...func(*ec2.Options)) (*ec2.CreateSnapshotsOutput, error)
}

// Clients gives the client of a region; an empty region is the worker's own. It is asked only when an activity runs,
// so that the catalog can be listed and compiled against without any account.
type Clients interface {
	EC2(ctx context.Context, region string) (EC2API, error)
}

// SDK makes clients from the SDK's own default chain of environment variables and files, AWS_ENDPOINT_URL included.
// Its zero value is ready, and safe for many goroutines.
type SDK struct {
	mu      sync.Mutex
	clients map[string]EC2API
}

// sdkAttempts is how often the SDK itself tries a call. It is small because every retry of ours stands in the history.
const sdkAttempts = 2

// EC2 gives the region's client, always the same one: its rate limiting and its connections are shared.
func (s *SDK) EC2(ctx context.Context, region string) (EC2API, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.clients[region]; ok {
		return c, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithRetryMaxAttempts(sdkAttempts))
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	if s.clients == nil {
		s.clients = map[string]EC2API{}
	}
	s.clients[region] = ec2.NewFromConfig(cfg)
	return s.clients[region], nil
}

func connect(ctx context.Context, c Clients, region string) (EC2API, error) {
	if c == nil {
		return nil, errors.New("no AWS account is configured for this worker")
	}
	return c.EC2(ctx, region)
}

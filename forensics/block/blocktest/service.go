// Package blocktest answers as the EBS direct APIs do, for tests that read an image as a snapshot: without a network, and
// failing as it is told.
package blocktest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// BlockSize is that of EBS.
const BlockSize = 512 << 10

// Service is a snapshot of an image. Blocks of zeros are held by none.
type Service struct {
	Image []byte
	// Before, if it is set, is called before each request is answered; its error is the answer. n counts the requests for the
	// same thing: an action, or a block.
	Before func(ctx context.Context, action string, block int32, n int) error
	// Corrupt tells blocks that come with a flipped byte.
	Corrupt func(block int32, n int) bool

	mu     sync.Mutex
	counts map[string]int
	age    int // of the tokens that were given
	renews int
}

// Fetches is how often the block was asked for; with -1, how often any was.
func (s *Service) Fetches(block int32) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if block >= 0 {
		return s.counts[name("GetSnapshotBlock", block)]
	}
	n := 0
	for what, count := range s.counts {
		if strings.HasPrefix(what, "GetSnapshotBlock") {
			n += count
		}
	}
	return n
}

// Lists is how often blocks were listed.
func (s *Service) Lists() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[name("ListSnapshotBlocks", -1)]
}

// Expire makes all tokens that were given stale.
func (s *Service) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.age++
}

// Renew counts how often credentials were read anew.
func (s *Service) Renew(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renews++
	return nil
}

// Renewals is that count.
func (s *Service) Renewals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renews
}

func name(action string, block int32) string { return action + " " + strconv.Itoa(int(block)) }

// begin counts a request and gives how often it came, and the age of tokens.
func (s *Service) begin(ctx context.Context, action string, block int32) (n, age int, err error) {
	s.mu.Lock()
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	s.counts[name(action, block)]++
	n, age = s.counts[name(action, block)], s.age
	s.mu.Unlock()
	if s.Before != nil {
		err = s.Before(ctx, action, block, n)
	}
	return n, age, err
}

// Held lists the blocks that are not zeros.
func (s *Service) Held() []int32 {
	var out []int32
	for at := 0; at < len(s.Image); at += BlockSize {
		if len(bytes.TrimLeft(s.Image[at:min(at+BlockSize, len(s.Image))], "\x00")) > 0 {
			out = append(out, int32(at/BlockSize))
		}
	}
	return out
}

func (s *Service) block(index int32) []byte {
	b := make([]byte, BlockSize)
	if at := int(index) * BlockSize; at < len(s.Image) {
		copy(b, s.Image[at:])
	}
	return b
}

// ListSnapshotBlocks lists in pages. A page's token says where the next one begins and how old it is.
func (s *Service) ListSnapshotBlocks(ctx context.Context, in *ebs.ListSnapshotBlocksInput, _ ...func(*ebs.Options)) (*ebs.ListSnapshotBlocksOutput, error) {
	_, age, err := s.begin(ctx, "ListSnapshotBlocks", -1)
	if err != nil {
		return nil, err
	}
	from := aws.ToInt32(in.StartingBlockIndex)
	if token := aws.ToString(in.NextToken); token != "" {
		var made int
		if _, err := fmt.Sscanf(token, "%d/%d", &from, &made); err != nil || made != age {
			return nil, invalid(types.ValidationExceptionReasonInvalidPageToken)
		}
	}
	out := &ebs.ListSnapshotBlocksOutput{BlockSize: aws.Int32(BlockSize), VolumeSize: aws.Int64(int64(len(s.Image)+1<<30-1) >> 30)}
	for _, index := range s.Held() {
		if index < from {
			continue
		}
		if len(out.Blocks) == int(aws.ToInt32(in.MaxResults)) {
			out.NextToken = aws.String(fmt.Sprintf("%d/%d", index, age))
			break
		}
		out.Blocks = append(out.Blocks, types.Block{BlockIndex: aws.Int32(index), BlockToken: aws.String(fmt.Sprintf("%d/%d", index, age))})
	}
	return out, nil
}

// GetSnapshotBlock gives a block with its checksum.
func (s *Service) GetSnapshotBlock(ctx context.Context, in *ebs.GetSnapshotBlockInput, _ ...func(*ebs.Options)) (*ebs.GetSnapshotBlockOutput, error) {
	index := aws.ToInt32(in.BlockIndex)
	n, age, err := s.begin(ctx, "GetSnapshotBlock", index)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.BlockToken) != fmt.Sprintf("%d/%d", index, age) {
		return nil, invalid(types.ValidationExceptionReasonInvalidBlockToken)
	}
	data := s.block(index)
	sum := sha256.Sum256(data)
	if s.Corrupt != nil && s.Corrupt(index, n) {
		data[100] ^= 1
	}
	return &ebs.GetSnapshotBlockOutput{
		BlockData: io.NopCloser(bytes.NewReader(data)), Checksum: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
		ChecksumAlgorithm: types.ChecksumAlgorithmChecksumAlgorithmSha256, DataLength: aws.Int32(BlockSize),
	}, nil
}

func invalid(reason types.ValidationExceptionReason) error {
	return &types.ValidationException{Message: aws.String("invalid"), Reason: reason}
}

// Refuse is an answer of the service with a code of AWS's and the HTTP status that it has.
func Refuse(status int, code string) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "as the test has it"},
	}
}

// Gone is the answer about a block that is listed and not there.
func Gone() error { return &types.ResourceNotFoundException{Message: aws.String("no such block")} }

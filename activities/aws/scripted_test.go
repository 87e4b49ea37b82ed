package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/firebreak-ir/firebreak/activities"
)

// scripted is an EC2 with one volume, in the time of the test: what the lab's EC2 cannot be made to do for hours.
type scripted struct {
	EC2API

	hidden   time.Duration // how long what was made is not shown
	takes    time.Duration // how long a snapshot takes
	create   error         // what CreateSnapshots answers instead of what it did
	describe func(at time.Duration) error
	began    time.Time
	made     []time.Time
	asked    int
}

func (e *scripted) EC2(context.Context, string) (EC2API, error) { return e, nil }

func (e *scripted) DescribeVolumes(context.Context, *ec2.DescribeVolumesInput, ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error) {
	return &ec2.DescribeVolumesOutput{Volumes: []types.Volume{{VolumeId: sdk.String("vol-1"), Size: sdk.Int32(1)}}}, nil
}

func (e *scripted) CreateSnapshots(_ context.Context, in *ec2.CreateSnapshotsInput, _ ...func(*ec2.Options)) (*ec2.CreateSnapshotsOutput, error) {
	if e.create != nil && refused(e.create) {
		return nil, e.create
	}
	e.made = append(e.made, time.Now())
	s := e.snapshot(len(e.made)-1, in.TagSpecifications[0].Tags)
	return &ec2.CreateSnapshotsOutput{Snapshots: []types.SnapshotInfo{{SnapshotId: s.SnapshotId, VolumeId: s.VolumeId, StartTime: s.StartTime, Tags: s.Tags}}}, e.create
}

func (e *scripted) DescribeSnapshots(context.Context, *ec2.DescribeSnapshotsInput, ...func(*ec2.Options)) (*ec2.DescribeSnapshotsOutput, error) {
	e.asked++
	if e.describe != nil {
		if err := e.describe(time.Since(e.began)); err != nil {
			return nil, err
		}
	}
	out := &ec2.DescribeSnapshotsOutput{}
	for i, at := range e.made {
		if time.Since(at) >= e.hidden {
			out.Snapshots = append(out.Snapshots, e.snapshot(i, []types.Tag{tag(instanceTag, "i-0123456789abcdef0")}))
		}
	}
	return out, nil
}

func (e *scripted) snapshot(i int, tags []types.Tag) types.Snapshot {
	s := types.Snapshot{SnapshotId: sdk.String(fmt.Sprint("snap-", i)), VolumeId: sdk.String("vol-1"), StartTime: &e.made[i], Tags: tags, State: types.SnapshotStatePending}
	if time.Since(e.made[i]) >= e.takes {
		s.State = types.SnapshotStateCompleted
	}
	return s
}

func (e *scripted) attempt(t *testing.T, n int, h *history) error {
	t.Helper()
	ctx := activities.WithAttempt(activities.WithReporter(t.Context(), h), n)
	_, err := run[SnapshotVolumesOut](ctx, SnapshotVolumes(e), activities.Call{Case: "case-1", Key: "case-1/disks"}, SnapshotVolumesIn{Instance: "i-0123456789abcdef0"})
	return err
}

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "said the test"}
}

// A kill right after CreateSnapshots loses the heartbeat that would have told of it: the SDK sends one every 2 s.
func TestALostHeartbeatMakesNoSecondSet(t *testing.T) {
	for _, n := range []int{2, 5} {
		synctest.Test(t, func(t *testing.T) {
			e := &scripted{hidden: 19 * time.Second, create: errors.New("the worker was killed")}
			if err := e.attempt(t, n-1, &history{}); err == nil {
				t.Fatal("the attempt was not killed")
			}
			e.create = nil
			if err := e.attempt(t, n, &history{}); err != nil { // no heartbeat came through
				t.Fatal(err)
			}
			if len(e.made) != 1 {
				t.Errorf("attempt %d: %d sets were made", n, len(e.made))
			}
		})
	}
}

// A refusal stands for the attempt that heard it alone: a later attempt may have made a set and been killed.
func TestARefusalIsNoProofForALaterAttempt(t *testing.T) {
	for lastRefused, quick := range map[int]bool{3: true, 2: false, 0: false} {
		synctest.Test(t, func(t *testing.T) {
			e, started := &scripted{}, time.Now()
			before := cursor{Refused: lastRefused}.progress("")
			if err := e.attempt(t, 4, &history{before: &before}); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(started); (waited < visibleWithin) != quick {
				t.Errorf("attempt 4 after a refusal of attempt %d waited %s", lastRefused, waited)
			}
		})
	}
}

func TestARefusalIsLeftForTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, h, started := &scripted{create: apiError("RequestLimitExceeded")}, &history{}, time.Now()
		if err := e.attempt(t, 1, h); err == nil {
			t.Fatal("want the first attempt throttled")
		}
		e.create = nil
		if err := e.attempt(t, 2, h.next()); err != nil || time.Since(started) >= visibleWithin || len(e.made) != 1 {
			t.Errorf("after %s: %d sets, %v", time.Since(started), len(e.made), err)
		}
	})
}

// Half an hour of bad answers within hours of waiting costs no attempt, and is reported.
func TestThrottlingDuringTheWaitCostsNoAttempt(t *testing.T) {
	for _, bad := range []error{apiError("RequestLimitExceeded"), apiError("InternalError"), errors.New("connection reset by peer")} {
		synctest.Test(t, func(t *testing.T) {
			e, h := &scripted{takes: 2 * time.Hour, began: time.Now()}, &history{}
			e.describe = func(at time.Duration) error {
				if in := at % time.Hour; in > 10*time.Minute && in < 25*time.Minute {
					return bad
				}
				return nil
			}
			if err := e.attempt(t, 1, h); err != nil || len(e.made) != 1 {
				t.Fatalf("%d sets, %v", len(e.made), err)
			}
			said := 0
			for _, p := range h.all {
				if strings.Contains(p.Message, bad.Error()) {
					said++
				}
			}
			if said == 0 || e.asked > 600 {
				t.Errorf("said %d times that EC2 does not answer, asked %d times in two hours", said, e.asked)
			}
		})
	}
}

func TestALongSilenceEndsTheAttempt(t *testing.T) {
	for code, patient := range map[string]bool{"InternalError": true, "UnauthorizedOperation": false} {
		synctest.Test(t, func(t *testing.T) {
			e, started := &scripted{takes: time.Hour, began: time.Now()}, time.Now()
			e.describe = func(at time.Duration) error {
				if at > time.Minute {
					return apiError(code)
				}
				return nil
			}
			err := e.attempt(t, 1, &history{})
			if waited := time.Since(started); err == nil || (waited > longestSilence) != patient || waited > longestSilence+2*time.Minute {
				t.Errorf("%s: ended after %s with %v", code, waited, err)
			}
		})
	}
}

package ebsfront

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFront runs every test of the front on one moto, each with a front, an instance and an image of its own.
func TestFront(t *testing.T) {
	upstream := serveMoto(t)
	for name, test := range map[string]func(*testing.T, *lab){
		"snapshot is of the moment it was asked for": snapshotIsOfTheMomentItWasAskedFor,
		"changed blocks":                           changedBlocks,
		"tokens hold for one block and a week":     tokensHoldForOneBlockAndAWeek,
		"dry run changes nothing":                  dryRunChangesNothing,
		"a caller who hangs up leaves a whole set": aCallerWhoHangsUpLeavesAWholeSet,
		"a failed creation leaves nothing":         aFailedCreationLeavesNothing,
		"status filter sees the true state":        statusFilterSeesTheTrueState,
		"a locked snapshot is not deleted":         aLockedSnapshotIsNotDeleted,
	} {
		t.Run(name, func(t *testing.T) { test(t, newLab(t, upstream)) })
	}
}

func snapshotIsOfTheMomentItWasAskedFor(t *testing.T, l *lab) {
	id := l.snapshot()
	l.write(3*BlockSize, "later")
	l.write(5*BlockSize, "later still")
	for _, want := range []string{"<status>pending</status>", "<progress>0%</progress>"} {
		if _, body := l.ec2("DescribeSnapshots", "SnapshotId.1", id); !strings.Contains(body, want) {
			t.Errorf("want %s in %s", want, body)
		}
	}
	if status, header, _ := l.ebs("/snapshots/" + id + "/blocks"); status != 400 || header.Get("X-Amzn-Errortype") != "ValidationException" {
		t.Errorf("the blocks of a pending snapshot are readable: %d %v", status, header)
	}
	l.now = l.now.Add(4 * time.Second)
	if _, body := l.ec2("DescribeSnapshots", "SnapshotId.1", id); !strings.Contains(body, "<progress>40%</progress>") {
		t.Errorf("want 40%% after 4 of 10 s: %s", body)
	}
	l.now = l.now.Add(6 * time.Second)
	l.start() // what the front knows survives it
	got := l.list("/snapshots/" + id + "/blocks")
	if len(got.Blocks) != 1 || got.Blocks[0].BlockIndex != 3 || got.VolumeSize != 1 || got.BlockSize != BlockSize {
		t.Fatalf("want the one block written before, got %+v", got)
	}
	if text := l.block(id, got.Blocks[0]); text != "first" {
		t.Errorf("block 3 holds %q", text)
	}
}

func changedBlocks(t *testing.T, l *lab) {
	before := l.snapshot()
	l.write(7*BlockSize, "new")
	after := l.snapshot()
	l.now = l.now.Add(time.Minute)
	got := l.list("/snapshots/" + after + "/changedblocks?firstSnapshotId=" + before).ChangedBlocks
	if len(got) != 1 || got[0].BlockIndex != 7 || got[0].FirstBlockToken != "" || got[0].SecondBlockToken == "" {
		t.Errorf("want block 7, held by the second alone: %+v", got)
	}
}

func tokensHoldForOneBlockAndAWeek(t *testing.T, l *lab) {
	id := l.snapshot()
	l.now = l.now.Add(time.Minute)
	row := l.list("/snapshots/" + id + "/blocks").Blocks[0]
	row.BlockIndex++
	path := "/snapshots/" + id + "/blocks/4?blockToken=" + row.BlockToken
	if status, _, body := l.ebs(path); status != 400 || !strings.Contains(string(body), "INVALID_BLOCK_TOKEN") {
		t.Errorf("a token for another block was taken: %d %s", status, body)
	}
	now := l.now
	tokens := tokens{[]byte("secret")}
	token := tokens.sign("block", id, 3, now.Add(tokenLife))
	if _, ok := tokens.open("block", id, token, now.Add(tokenLife+time.Minute)); ok {
		t.Error("a token that has run out was taken")
	}
	if _, ok := tokens.open("page", id, token, now); ok {
		t.Error("a block token was taken for a page token")
	}
}

func dryRunChangesNothing(t *testing.T, l *lab) {
	status, body := l.ec2("CreateSnapshots", "InstanceSpecification.InstanceId", l.bound.Instance, "DryRun", "true")
	if status != http.StatusPreconditionFailed || !strings.Contains(body, "<Code>DryRunOperation</Code>") {
		t.Errorf("got %d %s", status, body)
	}
	left, err := filepath.Glob(filepath.Join(l.state, "snap-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("a dry run left %v, %v", left, err)
	}
}

func aCallerWhoHangsUpLeavesAWholeSet(t *testing.T, l *lab) {
	ctx, hangUp := context.WithCancel(t.Context())
	form := url.Values{"Action": {"CreateSnapshots"}, "Version": {"2016-11-15"}, "InstanceSpecification.InstanceId": {l.bound.Instance}}
	r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx)
	r.Header.Set("Authorization", authorization("ec2"))
	c := &call{request: r, service: "ec2", action: "CreateSnapshots", form: form}
	front, err := New(Config{Upstream: l.upstream, State: l.state})
	if err != nil {
		t.Fatal(err)
	}
	hangUp()
	front.query(httptest.NewRecorder(), c)
	images, err := filepath.Glob(filepath.Join(l.state, "snap-*.img"))
	if err != nil || len(images) != 1 {
		t.Errorf("want the set's one image, got %v, %v", images, err)
	}
}

func aFailedCreationLeavesNothing(t *testing.T, l *lab) {
	if status, body := l.ec2("CreateSnapshots", "InstanceSpecification.InstanceId", "i-0123456789abcdef0"); status != 400 || !strings.Contains(body, "InvalidInstanceID.NotFound") {
		t.Errorf("moto's own refusal is lost: %d %s", status, body)
	}
	if err := os.Remove(l.image); err != nil {
		t.Fatal(err)
	}
	if status, _ := l.ec2("CreateSnapshots", "InstanceSpecification.InstanceId", l.bound.Instance); status != 500 {
		t.Errorf("a snapshot without its image: %d", status)
	}
	left, err := os.ReadDir(l.state)
	if err != nil || len(left) != 1 { // the secret
		t.Errorf("left %v, %v", left, err)
	}
}

func statusFilterSeesTheTrueState(t *testing.T, l *lab) {
	id := l.snapshot()
	pending := []string{"SnapshotId.1", id, "Filter.1.Name", "status", "Filter.1.Value.1", "pending"}
	if _, body := l.ec2("DescribeSnapshots", pending...); !strings.Contains(body, id) {
		t.Errorf("a pending snapshot is not found as pending: %s", body)
	}
	l.now = l.now.Add(time.Minute)
	if _, body := l.ec2("DescribeSnapshots", pending...); strings.Contains(body, id) {
		t.Errorf("a completed snapshot is found as pending: %s", body)
	}
}

func aLockedSnapshotIsNotDeleted(t *testing.T, l *lab) {
	id := l.snapshot()
	if status, body := l.ec2("LockSnapshot", "SnapshotId", id, "LockMode", "governance", "LockDuration", "2"); status != 200 {
		t.Fatalf("lock: %d %s", status, body)
	}
	if status, _ := l.ec2("DeleteSnapshot", "SnapshotId", id); status != 400 {
		t.Errorf("a locked snapshot was deleted: %d", status)
	}
	l.now = l.now.AddDate(0, 0, 3)
	if status, body := l.ec2("DeleteSnapshot", "SnapshotId", id); status != 200 {
		t.Errorf("delete after the lock: %d %s", status, body)
	}
	if _, err := os.Stat(filepath.Join(l.state, id+".img")); !os.IsNotExist(err) {
		t.Errorf("the image of a deleted snapshot is still there: %v", err)
	}
}

func TestSparseCopyIsEqualAndSparse(t *testing.T) {
	l := &lab{t: t, image: filepath.Join(t.TempDir(), "image")}
	l.write(1, "a")
	l.write(50<<20+7, "b")
	if err := os.Truncate(l.image, 100<<20); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy")
	if err := copySparse(l.image, to); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(l.image)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(to)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the copy differs: %v", err)
	}
	blocks, err := dataBlocks(to)
	if err != nil || !slices.Equal(blocks, []int32{0, 100}) {
		t.Errorf("blocks %v, %v", blocks, err)
	}
}

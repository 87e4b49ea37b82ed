package ebsfront

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/lab/moto"
	"github.com/firebreak-ir/firebreak/lab/process"
	"github.com/firebreak-ir/firebreak/lab/python"
)

// lab is a front before a real moto, with an instance whose volume's image the test may change.
type lab struct {
	t        *testing.T
	upstream string
	state    string
	image    string
	bound    moto.Bound
	now      time.Time // the front's clock
	server   *httptest.Server
}

func newLab(t *testing.T, upstream string) *lab {
	t.Helper()
	l := &lab{t: t, upstream: upstream, state: t.TempDir(), image: filepath.Join(t.TempDir(), "image"), now: time.Now()}
	l.write(3*BlockSize, "first")
	if err := os.Truncate(l.image, 10*BlockSize); err != nil {
		t.Fatal(err)
	}
	l.start()
	bound, err := moto.Launch(t.Context(), l.server.URL, moto.Machine{Name: "node-1", GiB: 1, Image: l.image, Tag: ImageTag})
	if err != nil {
		t.Fatal(err)
	}
	l.bound = bound
	return l
}

// serveMoto starts the real moto from the cache that `lab up` fills.
func serveMoto(t *testing.T) string {
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
	if err := group.Start(t.Context(), moto.Spec(env, ports[0])); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0])
}

// start starts the front on the lab's state; a second start is a restart.
func (l *lab) start() {
	l.t.Helper()
	if l.server != nil {
		l.server.Close()
	}
	front, err := New(Config{Upstream: l.upstream, State: l.state, Completion: 10 * time.Second, Clock: func() time.Time { return l.now }})
	if err != nil {
		l.t.Fatal(err)
	}
	l.server = httptest.NewServer(front)
	l.t.Cleanup(l.server.Close)
}

func (l *lab) write(at int64, text string) {
	l.t.Helper()
	f, err := os.OpenFile(l.image, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), at); err != nil {
		l.t.Fatal(err)
	}
}

func authorization(service string) string {
	return "AWS4-HMAC-SHA256 Credential=AKIALAB/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
}

func (l *lab) send(r *http.Request, service string) (int, http.Header, []byte) {
	l.t.Helper()
	r.Header.Set("Authorization", authorization(service))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, body
}

// ec2 calls EC2 with key, value pairs and gives the answer's text.
func (l *lab) ec2(action string, pairs ...string) (int, string) {
	l.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.server.URL, strings.NewReader(form.Encode()))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	status, _, body := l.send(r, "ec2")
	return status, string(body)
}

func (l *lab) ebs(path string) (int, http.Header, []byte) {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, l.server.URL+path, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.send(r, "ebs")
}

// snapshot takes one of the volume and gives its id.
func (l *lab) snapshot() string {
	l.t.Helper()
	status, body := l.ec2("CreateSnapshots", "InstanceSpecification.InstanceId", l.bound.Instance)
	if status != http.StatusOK {
		l.t.Fatalf("create snapshots: %d %s", status, body)
	}
	root, err := parseTree([]byte(body))
	if err != nil {
		l.t.Fatal(err)
	}
	var id string
	root.snapshots(func(e *element) bool { id = e.text("snapshotId"); return true })
	return id
}

func (l *lab) list(path string) listing {
	l.t.Helper()
	status, _, body := l.ebs(path)
	var out listing
	if err := json.Unmarshal(body, &out); err != nil || status != http.StatusOK {
		l.t.Fatalf("%s: %d %s", path, status, body)
	}
	return out
}

func (l *lab) block(id string, row blockRow) string {
	l.t.Helper()
	status, _, body := l.ebs(fmt.Sprintf("/snapshots/%s/blocks/%d?blockToken=%s", id, row.BlockIndex, url.QueryEscape(row.BlockToken)))
	if status != http.StatusOK || len(body) != BlockSize {
		l.t.Fatalf("block %d: %d, %d bytes", row.BlockIndex, status, len(body))
	}
	return strings.TrimRight(string(body), "\x00")
}

package containers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"
)

const criDir = "io.containerd.grpc.v1.cri"

// criStatus is the part of the CRI plugin's status file that is used. Times are nanoseconds since 1970.
type criStatus struct {
	Version                          string
	CreatedAt, StartedAt, FinishedAt int64
	ExitCode                         int
}

func decodeStatus(raw []byte) (criStatus, error) {
	var s criStatus
	if err := json.Unmarshal(raw, &s); err != nil {
		return criStatus{}, fmt.Errorf("decode: %w", err)
	}
	return s, nil
}

// status adds what the CRI plugin keeps of a Kubernetes container beside the database.
func (l *lister) status(root Root, c *Container) {
	if c.Namespace != "k8s.io" || c.Sandbox || !plain(c.ID) {
		return
	}
	name := path.Join(root.Path, criDir, "containers", c.ID, "status")
	raw, err := l.small(name)
	if c.Deleted && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		l.problem(name, err)
		return
	}
	s, err := decodeStatus(raw)
	if err != nil {
		l.problem(name, err)
		return
	}
	l.setStatus(name, c, s)
}

func (l *lister) setStatus(name string, c *Container, s criStatus) {
	c.Started, c.Finished, c.State = l.moment(name, nanos(s.StartedAt)), l.moment(name, nanos(s.FinishedAt)), "created"
	if c.Created.IsZero() {
		c.Created = l.moment(name, nanos(s.CreatedAt))
	}
	switch {
	case s.FinishedAt != 0:
		c.State, c.ExitCode = "exited", &s.ExitCode
	case s.StartedAt != 0:
		c.State = "running"
	}
}

func nanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

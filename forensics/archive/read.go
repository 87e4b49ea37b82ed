package archive

import (
	"context"
	"io"
	"strings"
)

// untilDone stops reading when nobody waits any more.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// zeros are read without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// paxSafe tells names of attributes that a PAX record can hold: its key ends at the first equals sign.
func paxSafe(name string) bool { return name != "" && !strings.ContainsAny(name, "=\x00") }

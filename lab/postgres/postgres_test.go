package postgres

import (
	"errors"
	"net"
	"os"
	"testing"

	"github.com/firebreak-ir/firebreak/lab/leaveout"
	"github.com/firebreak-ir/firebreak/lab/process"
)

func TestAServerComesAndGoesWithItsData(t *testing.T) {
	if _, err := Find(); errors.Is(err, ErrNone) {
		leaveout.Test(t, "%v", err)
	}
	ports, err := process.FreePorts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), ports[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), ports[0]); err == nil {
		t.Error("two servers listen on one port")
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data are still there: %v", err)
	}
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Address()); err == nil {
		_ = conn.Close()
		t.Error("the server still listens")
	}
}

package live

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestIsLog(t *testing.T) {
	for text, want := range map[string]bool{
		"": true,
		"2026-11-23T07:41:42.000000001Z listening\n":                      true,
		"2026-11-23T07:41:42.1+01:00 " + strings.Repeat("x", 1000):        true,
		"unable to retrieve container logs for containerd://45dd76eff80f": false,
		"no time here\n2026-11-23T07:41:42Z later":                        false,
	} {
		log := bufio.NewReader(strings.NewReader(text))
		if err := isLog(log); (err == nil) != want || (err != nil && !errors.Is(err, errNoLog)) {
			t.Errorf("%.40q: error %v, want a log: %v", text, err, want)
		}
		if rest, err := io.ReadAll(log); err != nil || string(rest) != text {
			t.Errorf("%.40q: looking took something away: %.40q (%v)", text, rest, err)
		}
	}
	broken := bufio.NewReader(iotest.ErrReader(io.ErrUnexpectedEOF))
	if err := isLog(broken); err != nil {
		t.Errorf("a broken connection was taken for a missing log: %v", err)
	}
}

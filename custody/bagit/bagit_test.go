package bagit_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/custody/bagit"
)

func TestInfoLeavesOutWhatIsNotKnown(t *testing.T) {
	at := time.Date(2026, 11, 20, 23, 30, 0, 0, time.FixedZone("", -2*3600))
	for want, info := range map[string]bagit.Info{
		"Bagging-Date: 2026-11-21\nPayload-Oxum: 12.3\n": {Bagged: at, Bytes: 12, Files: 3},
		"Source-Organization: A B: C Payload-Oxum: 9.9\nExternal-Identifier: case.1\nBagging-Date: 2026-11-21\nBag-Software-Agent: firebreak 1\nPayload-Oxum: 12.3\n": {
			Organization: "A\nB: C\r\nPayload-Oxum: 9.9", Case: "case.1", Bagged: at, Agent: "firebreak 1", Bytes: 12, Files: 3,
		},
	} {
		got := info.Write()
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if organization, agent := bagit.ReadInfo(got); organization != bagit.OneLine(info.Organization) || agent != info.Agent {
			t.Errorf("read back %q, %q", organization, agent)
		}
	}
}

func TestParseNamesTheFirstWrongByte(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	good := sum + "  data/a\n"
	for text, want := range map[string]bagit.LineError{
		good + "x" + good:              {Line: 2, Offset: 73},
		good + sum[:63]:                {Line: 2, Offset: 73 + 63},
		good + strings.ToUpper(good):   {Line: 2, Offset: 73 + 1},
		sum + " *data/a\n":             {Line: 1, Offset: 64},
		sum + "  ../a\n":               {Line: 1, Offset: 66},
		sum + "  /etc/passwd\n":        {Line: 1, Offset: 66},
		sum + "  data/a\r\n":           {Line: 1, Offset: 66},
		sum + "  \n":                   {Line: 1, Offset: 66},
		good + good:                    {Line: 2, Offset: 73 + 66},
		good + sum + "  data/b":        {Line: 2, Offset: 73 + 72},
		good + "\n" + sum + "  data/b": {Line: 2, Offset: 73},
	} {
		files, err := bagit.Parse([]byte(text))
		var line *bagit.LineError
		if !errors.As(err, &line) || line.Line != want.Line || line.Offset != want.Offset || len(files) != want.Line-1 {
			t.Errorf("%q: %d files, %v", text, len(files), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(strings.Repeat("0a", 32) + "  data/a b\n" + strings.Repeat("ff", 32) + "  data/c\n"))
	f.Add([]byte("\xff  data/a"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		files, err := bagit.Parse(raw)
		if err == nil && !bytes.Equal(bagit.Write(files), raw) {
			t.Errorf("%q reads as %v", raw, files)
		}
		var line *bagit.LineError
		if err != nil && (!errors.As(err, &line) || line.Offset > int64(len(raw)) || line.Line != len(files)+1) {
			t.Errorf("%q: %v", raw, err)
		}
	})
}

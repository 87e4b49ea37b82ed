package main

import (
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// disk makes an ext4 image of a directory: disk DIR IMAGE.
func disk(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		ts.Fatalf("usage: disk DIR IMAGE")
	}
	made, err := exec.Command("mkfs.ext4", "-q", "-F", "-L", "node", "-U", "1d2a3c4d-0000-4000-8000-0123456789ab", "-O", "^metadata_csum_seed",
		"-d", ts.MkAbs(args[0]), ts.MkAbs(args[1]), "32M").CombinedOutput()
	if err != nil {
		ts.Fatalf("mkfs.ext4: %v: %s", err, made)
	}
}

// TestModeLine writes modes as ls does.
func TestModeLine(t *testing.T) {
	for mode, want := range map[uint32]string{
		0o100644: "-rw-r--r--", 0o104755: "-rwsr-xr-x", 0o104644: "-rwSr--r--", 0o102755: "-rwxr-sr-x", 0o041777: "drwxrwxrwt",
		0o041776: "drwxrwxrwT", 0o120777: "lrwxrwxrwx", 0o020000: "c---------", 0o060660: "brw-rw----", 0o010600: "prw-------",
		0o140755: "srwxr-xr-x", 0o170000: "?---------",
	} {
		if got := modeLine(mode); got != want {
			t.Errorf("%o: %s, want %s", mode, got, want)
		}
	}
}

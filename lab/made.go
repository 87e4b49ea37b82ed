package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// Made says what a lab was started from. One that was started from something else is stale.
type Made struct {
	Servers string `json:"servers"` // the build's key: versions, flags and compiler
	Program string `json:"program"` // hash of the lab's own program, which serves Temporal and AWS
}

func (m Made) String() string { return "servers " + m.Servers + ", lab " + m.Program }

// made says what a lab that starts now would be made of.
func (l Lab) made(ctx context.Context) (Made, error) {
	key, err := l.builder().Key(ctx)
	if err != nil {
		return Made{}, err
	}
	program, err := fileHash(l.Self)
	if err != nil {
		return Made{}, fmt.Errorf("hash the lab's program: %w", err)
	}
	return Made{Servers: key, Program: program}, nil
}

func fileHash(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

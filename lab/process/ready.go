package process

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// awaitReady polls Ready until it is satisfied, the child ends, or the time is over.
func awaitReady(ctx context.Context, spec Spec, exited <-chan error) error {
	within := spec.Within
	if within == 0 {
		within = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		last := askReady(ctx, spec.Ready)
		select {
		case err := <-exited:
			return ended(err)
		default:
		}
		if last == nil {
			return nil
		}
		select {
		case err := <-exited:
			return ended(err)
		case <-ctx.Done():
			return fmt.Errorf("not ready within %s: %w", within, last)
		case <-tick.C:
		}
	}
}

// askReady gives one question five seconds, so that a hanging answer is asked again.
func askReady(ctx context.Context, ready func(context.Context) error) error {
	if ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return ready(ctx)
}

func ended(err error) error {
	if err == nil {
		return errors.New("it ended at once, without an error")
	}
	return fmt.Errorf("it ended: %w", err)
}

// quoteTail returns the last lines of a log, indented, to stand below an error message.
func quoteTail(path string) string {
	const lines, bytes = 15, 8 << 10
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > bytes {
		_, _ = file.Seek(-bytes, io.SeekEnd)
	}
	raw, _ := io.ReadAll(file)
	all := strings.Split(strings.TrimSpace(string(raw)), "\n")
	tail := all[max(0, len(all)-lines):]
	return fmt.Sprintf("\n  last lines of %s:\n    %s", path, strings.Join(tail, "\n    "))
}

// HTTPReady is satisfied by a 200 from url.
func HTTPReady(client *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", url, response.Status)
		}
		return nil
	}
}

// TCPReady is satisfied when somebody listens on address.
func TCPReady(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// FreePorts picks n different free loopback ports. They lie below the range from which the kernel serves outgoing
// connections, so that nobody takes one between the choice and the server's start by accident.
func FreePorts(ctx context.Context, n int) ([]int, error) {
	const low, span, tries = 20000, 10000, 1000
	var ports []int
	for range tries {
		if len(ports) == n {
			return ports, nil
		}
		offset, err := rand.Int(rand.Reader, big.NewInt(span))
		if err != nil {
			return nil, fmt.Errorf("pick a port: %w", err)
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", low+offset.Int64()))
		if err != nil {
			continue
		}
		defer func() { _ = listener.Close() }() // all are held until all are chosen, so they differ
		ports = append(ports, low+int(offset.Int64()))
	}
	return nil, fmt.Errorf("pick %d free ports: only %d of %d tries worked", n, len(ports), tries)
}

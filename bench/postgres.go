package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
)

// Stores, for the table.
const (
	sqlite   = "SQLite"
	postgres = "PostgreSQL"
)

// onPostgres takes measures on a Temporal and a PostgreSQL of their own, which come and go with them.
func onPostgres(ctx context.Context, to io.Writer, only, lab string) (rows []row, err error) {
	ports, err := freePorts(ctx, 6)
	if err != nil {
		return nil, err
	}
	var said strings.Builder
	server := exec.CommandContext(ctx, lab, "serve", "temporal", "--postgres", ports[5], "--ports", strings.Join(ports[:5], ","), "--log-level", "error")
	server.Stderr = &said
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := server.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = server.Wait() // what it said tells more
		close(ended)
	}()
	defer func() {
		_ = server.Process.Signal(syscall.SIGTERM) // it may have ended already
		<-ended
	}()
	address := net.JoinHostPort("127.0.0.1", ports[0])
	if err := answers(ctx, address, ended); err != nil {
		if strings.Contains(said.String(), "has no PostgreSQL") {
			fmt.Fprintln(to, "not measured on PostgreSQL: this machine has none")
			return []row{{what: "1,000 different alerts at once", store: postgres, value: "not measured: this machine has none"}}, nil
		}
		return nil, fmt.Errorf("temporal on PostgreSQL: %w\n%s", err, said.String())
	}
	return on(ctx, to, only, address, postgres)
}

func freePorts(ctx context.Context, n int) ([]string, error) {
	var ports []string
	for range n {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = listener.Close() }() // all at the end: none is given twice
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}

// answers waits until the server has its namespace.
func answers(ctx context.Context, address string, ended <-chan struct{}) error {
	for began := time.Now(); ; {
		err := described(ctx, address)
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("the server has ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		if time.Since(began) > 2*time.Minute {
			return err
		}
	}
}

func described(ctx context.Context, address string) error {
	n, err := client.NewNamespaceClient(client.Options{HostPort: address})
	if err != nil {
		return err
	}
	defer n.Close()
	_, err = n.Describe(ctx, "default")
	return err
}

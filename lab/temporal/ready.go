package temporal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/firebreak-ir/firebreak/lab/process"
)

// Ready asks the server for its namespace, and the Web UI for its health.
func Ready(ctx context.Context, ports Ports, ui bool) error {
	conn, err := grpc.NewClient(ports.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	request := &workflowservice.DescribeNamespaceRequest{Namespace: Namespace}
	if _, err := workflowservice.NewWorkflowServiceClient(conn).DescribeNamespace(ctx, request); err != nil || !ui {
		return err
	}
	return process.HTTPReady(http.DefaultClient, ports.URL()+"/healthz")(ctx)
}

// String is the ports as one word of a command line.
func (p Ports) String() string {
	return fmt.Sprintf("%d,%d,%d,%d,%d", p.Frontend, p.History, p.Matching, p.Worker, p.UI)
}

// ParsePorts reads what String wrote.
func ParsePorts(text string) (Ports, error) {
	var numbers []int
	for _, word := range strings.Split(text, ",") {
		number, err := strconv.Atoi(word)
		if err != nil {
			return Ports{}, fmt.Errorf("ports %q: %w", text, err)
		}
		numbers = append(numbers, number)
	}
	if len(numbers) != 5 {
		return Ports{}, errors.New("ports: frontend,history,matching,worker,ui")
	}
	return Ports{Frontend: numbers[0], History: numbers[1], Matching: numbers[2], Worker: numbers[3], UI: numbers[4]}, nil
}

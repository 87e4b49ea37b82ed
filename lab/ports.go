package lab

import (
	"context"

	"github.com/firebreak-ir/firebreak/lab/controlplane"
	"github.com/firebreak-ir/firebreak/lab/process"
	"github.com/firebreak-ir/firebreak/lab/temporal"
)

// ports are all ports of one lab.
type ports struct {
	Temporal    temporal.Ports
	Kubernetes  controlplane.Ports
	Moto, Front int
	Prometheus  int
}

func choosePorts(ctx context.Context) (ports, error) {
	var chosen ports
	fields := []*int{
		&chosen.Temporal.Frontend, &chosen.Temporal.History, &chosen.Temporal.Matching, &chosen.Temporal.Worker, &chosen.Temporal.UI,
		&chosen.Kubernetes.Etcd, &chosen.Kubernetes.EtcdPeer, &chosen.Kubernetes.API, &chosen.Kubernetes.Controllers,
		&chosen.Kubernetes.Scheduler, &chosen.Kubernetes.Kwok, &chosen.Moto, &chosen.Front, &chosen.Prometheus,
	}
	free, err := process.FreePorts(ctx, len(fields))
	if err != nil {
		return ports{}, err
	}
	for i, field := range fields {
		*field = free[i]
	}
	return chosen, nil
}

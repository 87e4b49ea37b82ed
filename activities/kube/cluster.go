// Package kube identifies, marks and contains pods and nodes through the Kubernetes API, one activity a file. It acts
// on UIDs, keeps what was before on the object itself, and leaves every object of somebody else alone.
package kube

import (
	"errors"
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// FieldManager is the name under which all our writes stand in an object's managedFields.
const FieldManager = "firebreak"

// prefix opens every label and annotation that is ours.
const prefix = "firebreak/"

// Cluster gives the client of the cluster that an activity acts on. It is asked only when the activity runs, so that
// the catalog can be listed and compiled against without any cluster.
type Cluster interface {
	Kubernetes() (kubernetes.Interface, error)
}

// ClusterFunc is a function as a Cluster.
type ClusterFunc func() (kubernetes.Interface, error)

// Kubernetes calls the function.
func (f ClusterFunc) Kubernetes() (kubernetes.Interface, error) { return f() }

// Connect gives a client as kubectl would make it: the file kubeconfig when it is not empty, else KUBECONFIG, else the
// home directory's file, else the pod's own service account. kubeContext may be empty.
func Connect(kubeconfig, kubeContext string) (kubernetes.Interface, error) {
	config, err := Config(kubeconfig, kubeContext)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// Config is the configuration behind Connect. Its rates are raised: client-go's own five requests a second would make
// the containment of a large incident wait for itself.
func Config(kubeconfig, kubeContext string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: kubeContext}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 50, 100
	config.UserAgent = FieldManager
	return config, nil
}

func connect(c Cluster) (kubernetes.Interface, error) {
	if c == nil {
		return nil, errors.New("no cluster is configured for this worker")
	}
	k, err := c.Kubernetes()
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return k, nil
}

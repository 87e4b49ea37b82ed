// Package labenv tells a test where the running lab's servers are.
package labenv

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// Variable is the environment variable that names the lab's JSON file.
const Variable = "FIREBREAK_LAB"

// Lab is what `lab up` wrote: every server's address and what the scenario seeded.
type Lab struct {
	Dir        string     `json:"dir"`
	Temporal   Temporal   `json:"temporal"`
	Kubernetes Kubernetes `json:"kubernetes"`
	AWS        AWS        `json:"aws"`
	Prometheus string     `json:"prometheus"`
	Tools      Tools      `json:"tools"`
	Cluster    string     `json:"cluster"`
	Nodes      []Node     `json:"nodes"`
	Scenario   Scenario   `json:"scenario"`
}

// Temporal is the embedded Temporal server and its Web UI.
type Temporal struct {
	Address   string `json:"address"`
	Namespace string `json:"namespace"`
	UI        string `json:"ui"`
}

// Kubernetes is the control plane with one kubeconfig for the administrator and one for the worker's service account.
type Kubernetes struct {
	Server string `json:"server"`
	Admin  string `json:"admin"`
	Worker string `json:"worker"`
	CA     string `json:"ca"`
	Audit  string `json:"audit"`
}

// AWS is the EBS front before moto, and the address where tests order faults.
type AWS struct {
	Endpoint  string `json:"endpoint"`
	Region    string `json:"region"`
	AccessKey string `json:"accessKey"`
	SecretKey string `json:"secretKey"`
	Faults    string `json:"faults"`
}

// Tools are the external programs that the lab installed.
type Tools struct {
	Python         string `json:"python"`
	DockerExplorer string `json:"dockerExplorer"`
}

// Node is one node with the instance and volume that it is bound to.
type Node struct {
	Name     string `json:"name"`
	Real     bool   `json:"real"`
	Instance string `json:"instance"`
	Volume   string `json:"volume"`
	Image    string `json:"image"`
}

// Scenario is what the lab seeded and attacked.
type Scenario struct {
	Namespace     string   `json:"namespace"`
	Pod           string   `json:"pod"`
	PodUID        string   `json:"podUID"`
	Container     string   `json:"container"`
	Node          string   `json:"node"`
	Deployment    string   `json:"deployment"`
	Service       string   `json:"service"`
	BarePod       string   `json:"barePod"`
	ForeignPolicy string   `json:"foreignPolicy"`
	PDB           string   `json:"pdb"`
	Instance      string   `json:"instance"`
	Volumes       []string `json:"volumes"`
	Alert         string   `json:"alert"`
	Attack        Attack   `json:"attack"`
}

// Attack is what the intruder did last. On a kwok node, which runs nothing, only the alert is real.
type Attack struct {
	Pod         string   `json:"pod"`
	Node        string   `json:"node"`
	ContainerID string   `json:"containerID"`
	Alert       string   `json:"alert"`
	Dropped     string   `json:"dropped"`
	SHA256      string   `json:"sha256"`
	Changed     []string `json:"changed"`
	Deleted     []string `json:"deleted"`
}

// Read reads the file that the environment names; false when it names none.
func Read() (Lab, bool, error) {
	path := os.Getenv(Variable)
	if path == "" {
		return Lab{}, false, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Lab{}, true, fmt.Errorf("read %s: %w", Variable, err)
	}
	var lab Lab
	if err := json.Unmarshal(raw, &lab); err != nil {
		return Lab{}, true, fmt.Errorf("decode %q: %w", path, err)
	}
	return lab, true, nil
}

// Load gives the lab to a test. It skips the test only where no lab was named; `make test` always names one.
func Load(t testing.TB) Lab {
	t.Helper()
	lab, named, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	if !named {
		t.Skip("needs the lab: run `make test`, or `eval \"$(lab env)\"` first")
	}
	return lab
}

package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/firebreak-ir/firebreak/lab/scenario"
)

// Description is DIR/lab.json: where everything is. It is written when the lab is up, and only then.
type Description struct {
	Dir        string      `json:"dir"`
	Name       string      `json:"name"`
	Temporal   Temporal    `json:"temporal"`
	Kubernetes Kubernetes  `json:"kubernetes"`
	AWS        AWS         `json:"aws"`
	Prometheus string      `json:"prometheus,omitempty"` // its address; empty where this machine has none
	Tools      Tools       `json:"tools"`
	Cluster    string      `json:"cluster"`
	Nodes      []NodeEntry `json:"nodes"`
	Scenario   Scenario    `json:"scenario"`
	LeftOut    []string    `json:"leftOut,omitempty"` // what this lab does without, and why
	Made       Made        `json:"made"`
}

// Temporal is the embedded server. UI is empty without the Web UI.
type Temporal struct {
	Address   string `json:"address"`
	Namespace string `json:"namespace"`
	UI        string `json:"ui"`
}

// Kubernetes is the control plane; Admin and Worker are kubeconfigs. Worker is empty as long as the product's manifests
// were not applied.
type Kubernetes struct {
	Server string `json:"server"`
	Admin  string `json:"admin"`
	Worker string `json:"worker"`
	CA     string `json:"ca"`
	Audit  string `json:"audit"`
}

// AWS is the front before moto. Faults is where tests order failures.
type AWS struct {
	Endpoint  string `json:"endpoint"`
	Region    string `json:"region"`
	AccessKey string `json:"accessKey"`
	SecretKey string `json:"secretKey"`
	Faults    string `json:"faults"`
}

// Tools are programs that the lab installed for others to use.
type Tools struct {
	Python         string `json:"python"`
	DockerExplorer string `json:"dockerExplorer"`
}

// NodeEntry is one node with its instance, root volume and the disk image that is the volume's content.
type NodeEntry struct {
	Name     string `json:"name"`
	Real     bool   `json:"real"`
	Instance string `json:"instance"`
	Volume   string `json:"volume"`
	Image    string `json:"image"`

	// One of the played nodes has a second volume, so that a set of snapshots is one of several.
	DataVolume string `json:"dataVolume,omitempty"`
	DataImage  string `json:"dataImage,omitempty"`
}

// Scenario is what was seeded, and the last attack.
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

	Attack scenario.Intrusion `json:"attack"` // what the last attack did
}

func (d Description) path() string { return filepath.Join(d.Dir, fileName) }

const fileName = "lab.json"

// Load reads the description of a lab that was wholly up; written is false when there is none. Whether the lab still
// runs is another question: Lab.Running.
func Load(dir string) (d Description, written bool, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return Description{}, false, nil
	}
	if err != nil {
		return Description{}, false, fmt.Errorf("read the lab's description: %w", err)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return Description{}, false, fmt.Errorf("read the lab's description %q: %w", filepath.Join(dir, fileName), err)
	}
	return d, true, nil
}

func (d Description) save() error {
	raw, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("write the lab's description: %w", err)
	}
	next := d.path() + ".new"
	if err := os.WriteFile(next, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the lab's description: %w", err)
	}
	return os.Rename(next, d.path())
}

// Variable is one environment variable of `lab env`.
type Variable struct{ Name, Value string }

// Env lists what points Temporal's, Kubernetes' and AWS's own clients, and our tests, at the lab.
func (d Description) Env() []Variable {
	return []Variable{
		{"FIREBREAK_LAB", d.path()},
		{"TEMPORAL_ADDRESS", d.Temporal.Address},
		{"TEMPORAL_NAMESPACE", d.Temporal.Namespace},
		{"KUBECONFIG", d.Kubernetes.Admin},
		{"AWS_ENDPOINT_URL", d.AWS.Endpoint},
		{"AWS_REGION", d.AWS.Region},
		{"AWS_DEFAULT_REGION", d.AWS.Region}, // the name that the Python SDK and the command line of AWS know
		{"AWS_ACCESS_KEY_ID", d.AWS.AccessKey},
		{"AWS_SECRET_ACCESS_KEY", d.AWS.SecretKey},
		{"FIREBREAK_PROMETHEUS", d.Prometheus},
	}
}

// Package config reads firebreak.yaml: where evidence and tickets go, which playbooks are loaded, who may send alerts.
// It holds no secret and no connection to Temporal, Kubernetes or AWS; those follow their own tools' files and
// environment.
package config

import (
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Config is the whole configuration, with defaults filled in and paths made relative to the working directory.
type Config struct {
	File           string                    // the file it was read from; empty when there is none
	Cluster        string                    // name of the cluster that this worker and receiver serve
	Evidence       string                    // directory of the cases' evidence
	Tracker        string                    // folder of the built-in ticket tracker
	WebUI          string                    // address of Temporal's Web UI, for links; may be empty
	Receiver       Receiver                  // how alerts come in
	Playbooks      []Playbook                // what is loaded, in this order
	Inputs         map[string]map[string]any // input values by playbook
	DockerExplorer []string                  // command, one word an item
	ProbeImage     string                    // of the ephemeral containers that look into pods; empty: the default
	Signing        []SigningKey              // whose signatures count; none: playbooks need not be signed
	People         []Person                  // who may decide; empty: everybody, without proof
	Responders     []string                  // groups whose members may decide about held steps
	OIDC           OIDC                      // who tells the receiver who somebody is
	Notify         []Target                  // where people are told; empty: nowhere
	Encryption     Encryption                // of what Temporal keeps
	Prometheus     Prometheus                // what knows the cluster's metrics
	Codec          Codec                     // the server that decrypts for the Web UI
	Deployment     Deployment                // which build this worker is
	Seal           Sealing                   // who signs and stamps sealed evidence

	at map[string]syntax.Position // where a key stands, such as "receiver.token"
}

// Receiver is how alerts come in, and decisions where it has a key.
type Receiver struct {
	Listen     string
	Token      Secret
	TLS        TLS
	URL        string     // under which people reach it, for links; may be empty
	SigningKey Secret     // the private key with which it vouches for those who decide over it
	PublicKey  SigningKey // of SigningKey, for machines that have it not; empty: taken from SigningKey
}

// TLS names a server's files; all are empty without TLS.
type TLS struct {
	Certificate string
	Key         string
	ClientCA    string
}

// Playbook names one playbook, or a folder of them. In the file, library/NAME is one that is shipped; a folder that is
// called library is written ./library.
type Playbook struct {
	Name string // of the library; empty for a path
	Path string // a file or a folder; empty for the library
	Pos  syntax.Position
}

// Defaults is the configuration where there is no file.
func Defaults() Config {
	return Config{
		Cluster:        "default",
		Evidence:       "evidence",
		Tracker:        "tickets",
		Receiver:       Receiver{Listen: "127.0.0.1:8088"},
		Codec:          Codec{Listen: "127.0.0.1:8089"},
		Playbooks:      []Playbook{{Name: "pod-compromise", Pos: syntax.Position{File: "defaults", Line: 1, Column: 1}}},
		Inputs:         map[string]map[string]any{},
		DockerExplorer: []string{"de.py"},
		at:             map[string]syntax.Position{},
	}
}

// At is where a key of the file stands, such as "receiver.token"; the zero Position when the file does not have it.
func (c Config) At(key string) syntax.Position { return c.at[key] }

// Package activities says what an activity is: its declaration, its call, its errors and its progress, in the
// standard library alone. It runs nothing and knows neither Temporal nor Kubernetes.
package activities

import (
	"context"
	"encoding/json"
	"reflect"
	"time"
)

// Call is what every activity is told besides its input.
type Call struct {
	// Case is the case's id; it is also a valid Kubernetes label value and AWS tag value.
	Case string `json:"case"`
	// Step is the step's path with iterations, for example "isolate[0]/deny".
	Step string `json:"step"`
	// Key is the idempotency key: the same on every retry and on every worker.
	Key string `json:"key"`
	// DryRun asks to report what would be changed and to change nothing.
	DryRun bool `json:"dryRun,omitempty"`
}

// Effect says what an activity does to the world outside the case.
type Effect string

// The four effects, from harmless to final.
const (
	Read    Effect = "read"    // looks, changes nothing
	Capture Effect = "capture" // adds evidence, changes no target
	Change  Effect = "change"  // changes a target and can undo it
	Destroy Effect = "destroy" // destroys state that no undo brings back
)

// Rank is a capture's place in the order of volatility (RFC 3227, section 2.1): lower is gone sooner.
type Rank int

// The ranks in use; zero means that the activity captures nothing.
const (
	NoRank     Rank = 0
	Memory     Rank = 1
	Processes  Rank = 2
	Sockets    Rank = 3
	Files      Rank = 4
	Logs       Rank = 5
	Disk       Rank = 6
	External   Rank = 7
	Unvolatile Rank = 8
)

// Place says which workers may run an activity: those that hold a cluster's credentials, or those that hold none.
type Place string

// The two places. Each becomes a Temporal task queue.
const (
	OnCluster  Place = "cluster"
	OnAnalysis Place = "analysis"
)

// Permission is one thing an activity must be allowed to do. Exactly one of the two halves is set.
type Permission struct {
	// Group, Resource and Verbs are Kubernetes RBAC; Group is empty for the core group.
	Group    string   `json:"group,omitempty"`
	Resource string   `json:"resource,omitempty"`
	Verbs    []string `json:"verbs,omitempty"`
	// IAM is an AWS action such as "ec2:CreateSnapshots".
	IAM string `json:"iam,omitempty"`
	// Why is the reason, for the person who grants it.
	Why string `json:"why"`
}

// Activity is one declaration, a literal next to its Run.
type Activity[In, Out any] struct {
	Name        string // "kube.isolate_pod"; recorded in histories, never renamed
	Summary     string // one sentence
	Effect      Effect
	Volatility  Rank // captures only
	Place       Place
	Targets     []TargetField // what a change or a destruction acts on, and whose evidence a capture takes
	Idempotency string        // why a second run with the same Key is harmless
	Permissions []Permission
	Timeout     time.Duration // of one attempt, when the playbook gives none
	Heartbeat   time.Duration // zero when the activity is too short to report progress
	Example     string        // a playbook step in YAML: compiled by the tests, printed in the docs
	Run         func(context.Context, Call, In) (Out, error)
	// Undo restores what Run changed, from the previous value kept on the object itself. Out is the zero value when
	// Run never reported back, so Undo must be right when Run never ran, half ran or ran twice. Set exactly when Effect
	// is Change.
	Undo func(context.Context, Call, In, Out) error
}

// Definition is an Activity with its types erased, as the catalog holds it.
type Definition struct {
	Name        string
	Summary     string
	Effect      Effect
	Volatility  Rank
	Place       Place
	Targets     []TargetField
	Idempotency string
	Permissions []Permission
	Timeout     time.Duration
	Heartbeat   time.Duration
	Example     string
	In, Out     reflect.Type
	// Run and Undo take and give JSON; they return InvalidInput where the input does not decode. Undo is nil for an
	// activity that changes nothing.
	Run  func(context.Context, Call, json.RawMessage) (json.RawMessage, error)
	Undo func(ctx context.Context, call Call, in, out json.RawMessage) error
}

// Define erases an activity's types.
func Define[In, Out any](a Activity[In, Out]) Definition {
	d := Definition{
		Name: a.Name, Summary: a.Summary, Effect: a.Effect, Volatility: a.Volatility, Place: a.Place, Targets: a.Targets,
		Idempotency: a.Idempotency, Permissions: a.Permissions, Timeout: a.Timeout, Heartbeat: a.Heartbeat,
		Example: a.Example, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
	}
	d.Run = func(ctx context.Context, call Call, raw json.RawMessage) (json.RawMessage, error) {
		var in In
		if err := decode(raw, &in); err != nil {
			return nil, err
		}
		out, err := a.Run(ctx, call, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
	if a.Undo == nil {
		return d
	}
	d.Undo = func(ctx context.Context, call Call, rawIn, rawOut json.RawMessage) error {
		var in In
		var out Out
		if err := decode(rawIn, &in); err != nil {
			return err
		}
		if err := decode(rawOut, &out); err != nil {
			return err
		}
		return a.Undo(ctx, call, in, out)
	}
	return d
}

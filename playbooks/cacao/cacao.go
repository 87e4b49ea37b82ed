// Package cacao writes plans as CACAO Security Playbooks 2.0, and reads such playbooks into skeletons of the language. What
// one side cannot say is kept in an extension or listed; it is never left out in silence.
package cacao

// SpecVersion is the version of CACAO that is written and read.
const SpecVersion = "cacao-2.0"

// Playbook is a playbook of CACAO. Maps are written with sorted keys, so the same plan gives the same bytes.
type Playbook struct {
	Type           string               `json:"type"`
	SpecVersion    string               `json:"spec_version"`
	ID             string               `json:"id"`
	Name           string               `json:"name"`
	Description    string               `json:"description,omitempty"`
	Types          []string             `json:"playbook_types,omitempty"`
	Activities     []string             `json:"playbook_activities,omitempty"`
	Summary        map[string]bool      `json:"playbook_processing_summary,omitempty"`
	CreatedBy      string               `json:"created_by"`
	Created        string               `json:"created"`
	Modified       string               `json:"modified"`
	DerivedFrom    []string             `json:"derived_from,omitempty"`
	Labels         []string             `json:"labels,omitempty"`
	Variables      map[string]Variable  `json:"playbook_variables,omitempty"`
	Start          string               `json:"workflow_start"`
	Exception      string               `json:"workflow_exception,omitempty"`
	Workflow       map[string]Step      `json:"workflow"`
	Extensions     map[string]any       `json:"playbook_extensions,omitempty"`
	Agents         map[string]Party     `json:"agent_definitions,omitempty"`
	Targets        map[string]Party     `json:"target_definitions,omitempty"`
	ExtDefinitions map[string]Extension `json:"extension_definitions,omitempty"`
}

// Step is a step of a CACAO workflow, of any type.
type Step struct {
	Type         string            `json:"type"`
	Name         string            `json:"name,omitempty"`
	Description  string            `json:"description,omitempty"`
	Timeout      int64             `json:"timeout,omitempty"` // milliseconds
	OnCompletion string            `json:"on_completion,omitempty"`
	OnSuccess    string            `json:"on_success,omitempty"`
	OnFailure    string            `json:"on_failure,omitempty"`
	Commands     []Command         `json:"commands,omitempty"`
	Agent        string            `json:"agent,omitempty"`
	Targets      []string          `json:"targets,omitempty"`
	InArgs       []string          `json:"in_args,omitempty"`
	OutArgs      []string          `json:"out_args,omitempty"`
	PlaybookID   string            `json:"playbook_id,omitempty"`
	NextSteps    []string          `json:"next_steps,omitempty"`
	Condition    string            `json:"condition,omitempty"`
	OnTrue       string            `json:"on_true,omitempty"`
	OnFalse      string            `json:"on_false,omitempty"`
	Switch       string            `json:"switch,omitempty"`
	Cases        map[string]string `json:"cases,omitempty"`
	Extensions   map[string]any    `json:"step_extensions,omitempty"`
}

// Command is what an action does. The type of Firebreak's own activities is CommandType.
type Command struct {
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
	Command     string `json:"command,omitempty"`
	Activity    string `json:"playbook_activity,omitempty"`
}

// CommandType is the type of commands that are activities of Firebreak: CACAO's vocabulary of commands is open.
const CommandType = "firebreak"

// Variable is a variable of a playbook. Values are written as text, as CACAO wants it.
type Variable struct {
	Type        string  `json:"type"`
	Description string  `json:"description,omitempty"`
	Value       *string `json:"value,omitempty"`
	External    bool    `json:"external,omitempty"`
}

// Party is an agent or a target.
type Party struct {
	Type        string   `json:"type"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Category    []string `json:"category,omitempty"`
}

// Extension defines what the properties of an extension mean.
type Extension struct {
	Type        string `json:"type"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	CreatedBy   string `json:"created_by"`
	Schema      string `json:"schema"`
	Version     string `json:"version"`
}

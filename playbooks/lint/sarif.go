package lint

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

const (
	sarifVersion = "2.1.0"
	sarifSchema  = "https://json.schemastore.org/sarif-2.1.0.json"
)

// The parts of SARIF that problems need.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string     `json:"id"`
		Short *sarifText `json:"shortDescription,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

// SARIF writes problems as a SARIF 2.1.0 log, which code scanning services read. The version is the program's.
func SARIF(to io.Writer, version string, problems []syntax.Problem) error {
	rules := rulesOf(problems)
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "Firebreak", Version: version, Rules: []sarifRule{}}},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{},
	}
	for _, id := range rules {
		rule := sarifRule{ID: id}
		if text, ok := Describe(id); ok {
			rule.Short = &sarifText{text}
		}
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
	}
	for _, p := range problems {
		run.Results = append(run.Results, resultOf(p, slices.Index(rules, p.Rule)))
	}
	e := json.NewEncoder(to)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{Schema: sarifSchema, Version: sarifVersion, Runs: []sarifRun{run}})
}

// rulesOf names the rules that were broken, once each.
func rulesOf(problems []syntax.Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Rule)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func resultOf(p syntax.Problem, rule int) sarifResult {
	at := sarifPhysical{
		Artifact: sarifArtifact{uri(p.File)},
		Region:   sarifRegion{StartLine: max(p.Line, 1), StartColumn: max(p.Column, 1)},
	}
	return sarifResult{
		RuleID: p.Rule, RuleIndex: rule, Level: "error",
		Message: sarifText{p.Message}, Locations: []sarifLocation{{at}},
	}
}

// uri makes a file's name a URI: a relative one stays relative to where the program ran.
func uri(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}

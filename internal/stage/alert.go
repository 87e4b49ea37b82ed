package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
)

// Answer is what the receiver said to an alert.
type Answer struct {
	Status   int
	Body     string
	Case     string `json:"case"`
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
	Playbook string `json:"playbook"`
}

// Send posts an alert as falcosidekick's webhook output does.
func (s *Stage) Send(ctx context.Context, alert []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Address+"/v1/falco", bytes.NewReader(alert))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Status: resp.StatusCode, Body: string(body)}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("answer %d of the receiver is no JSON: %w", a.Status, err)
	}
	return a, nil
}

// Command is the product's command line, ready to run.
func (s *Stage) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.Binary, args...)
	cmd.Env, cmd.Dir = s.Environment(), s.Dir
	return cmd
}

// JSON runs a command with --output json and decodes what it prints.
func (s *Stage) JSON(ctx context.Context, into any, args ...string) error {
	cmd := s.Command(ctx, append(args, "--output", "json")...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("firebreak %v: %w: %s", args, err, errs.String())
	}
	return json.Unmarshal(out, into)
}

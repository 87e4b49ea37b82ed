package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/workflows/cases"
)

// peopleDecide answers the case's questions with a key and with a token, and has the held step retried with another input: each
// is an update of Temporal. The token is a secret, too.
func (w *secretsWorld) peopleDecide(serve string) {
	w.t.Helper()
	w.waitsFor(`"step": "by_key"`)
	w.do(exitOK, "approvals")
	w.do(exitOK, "approve", w.id(), "by_key", "--comment", "seen it", "--key", "signing-key")
	w.waitsFor(`"step": "by_token"`)
	w.secrets["token"] = w.token()
	w.write("token", w.secrets["token"])
	w.do(exitOK, "approve", w.id(), "by_token", "--receiver", serve, "--token", "file:token")
	w.waitsFor(`"status": "held"`)
	w.do(exitOK, "retry", w.id(), "held", "--set", `query="up"`, "--reason", "a typing mistake", "--key", "signing-key")
}

// token makes one as a person does. What the command prints is the token: it is not among what is looked at.
func (w *secretsWorld) token() string {
	w.t.Helper()
	var out, errs bytes.Buffer
	sys := system{stdout: &out, stderr: &errs, now: time.Now, env: os.LookupEnv, person: "tester@test"}
	if code := run(w.t.Context(), sys, []string{"token", "--key", "signing-key"}); code != exitOK {
		w.t.Fatalf("firebreak token ended with %d: %s", code, &errs)
	}
	return strings.TrimSpace(out.String())
}

// waitsFor waits until the case's state has a text.
func (w *secretsWorld) waitsFor(text string) {
	w.t.Helper()
	var out bytes.Buffer
	for range 300 {
		out.Reset()
		sys := system{stdout: &out, stderr: io.Discard, now: time.Now, env: os.LookupEnv}
		if run(w.t.Context(), sys, []string{"show", "secrets-", "--output", "json"}) == exitOK && strings.Contains(out.String(), text) {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	w.t.Fatalf("the case never had %s: %s", text, &out)
}

// id is the whole id of the case, which the receiver wants.
func (w *secretsWorld) id() string {
	w.t.Helper()
	var found cases.Case
	w.connected(func(c *cases.Cases, _ converter.DataConverter) {
		var err error
		if found, err = c.Find(w.t.Context(), "secrets-"); err != nil {
			w.t.Fatal(err)
		}
	})
	return found.ID
}

func (w *secretsWorld) connected(do func(*cases.Cases, converter.DataConverter)) {
	w.t.Helper()
	cfg, problems, err := config.Load("", os.LookupEnv)
	if err != nil || len(problems) > 0 {
		w.t.Fatal(err, problems)
	}
	keys, err := (&app{system: system{env: os.LookupEnv}}).converter(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := cases.Dial(cases.Options{DataConverter: keys})
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	do(c, keys)
}

// server keeps what Temporal has of the case besides its history, as it is and decrypted: the static summary and details, the
// memo, the search attributes, and the live page.
func (w *secretsWorld) server() {
	w.t.Helper()
	w.connected(func(c *cases.Cases, keys converter.DataConverter) {
		of, err := c.Find(w.t.Context(), "secrets-")
		if err != nil {
			w.t.Fatal(err)
		}
		info, err := c.Client().WorkflowService().DescribeWorkflowExecution(w.t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: os.Getenv("TEMPORAL_NAMESPACE"), Execution: &commonpb.WorkflowExecution{WorkflowId: of.Workflow, RunId: of.Run},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.said["what Temporal says of the case"] = info.String()
		metadata, execution := info.GetExecutionConfig().GetUserMetadata(), info.GetWorkflowExecutionInfo()
		w.keeps(keys, "the static summary", metadata.GetSummary(), "Terminal shell in container")
		w.keeps(keys, "the static details", metadata.GetDetails(), "| Playbook | secrets 1.0.0 |")
		for name, field := range execution.GetMemo().GetFields() {
			w.keeps(keys, "the memo's "+name, field, "")
		}
		for name, field := range execution.GetSearchAttributes().GetIndexedFields() {
			w.said["search attribute "+name] = string(field.GetData())
		}
		value, err := c.Client().QueryWorkflow(w.t.Context(), of.Workflow, of.Run, "__temporal_workflow_metadata")
		if err != nil {
			w.t.Fatal(err)
		}
		var page sdkpb.WorkflowMetadata
		if err := value.Get(&page); err != nil || !strings.Contains(page.GetCurrentDetails(), "a typing mistake; with") {
			w.t.Errorf("the live page: %v\n%s", err, page.GetCurrentDetails())
		}
		w.said["the live page"] = page.GetCurrentDetails()
	})
}

// keeps decrypts what is to be looked at, and wants its words to be there: an empty text would show nothing.
func (w *secretsWorld) keeps(keys converter.DataConverter, what string, p *commonpb.Payload, want string) {
	w.t.Helper()
	var raw converter.RawValue
	if err := keys.FromPayload(p, &raw); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	text := string(raw.Payload().GetData())
	if text == "" || !strings.Contains(text, want) {
		w.t.Errorf("%s lacks %q: %q", what, want, text)
	}
	w.said[what] = text
}

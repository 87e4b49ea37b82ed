package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// secretsConfig names a secret in every way that the configuration knows.
const secretsConfig = `
cluster: secrets
evidence: evidence
tracker: tickets
receiver: {listen: "127.0.0.1:0", token: "file:receiver-token", signingKey: "file:signing-key"}
people: [{subject: ann@example.com, groups: [ir], key: ann.pub}]
notify: [{kind: webhook, url: "file:webhook"}]
encryption:
  current: k2
  keys: [{id: k1, file: key1}, {id: k2, env: PLANTED_KEY2}]
codec: {listen: "127.0.0.1:0", origin: "http://ui.example.com", token: "env:PLANTED_CODEC"}
seal: {signingKey: "file:seal-key"}
prometheus: {url: "PROMETHEUS", token: "file:prometheus-token"}
playbooks: [secrets.yaml]
`

const secretsPlaybook = `
apiVersion: firebreak/v1
kind: Playbook
metadata: {name: secrets, version: 1.0.0}
triggers:
  - id: falco
    falco: {rules: [Terminal shell in container]}
dedup: {key: alert.target.pod}
approvers:
  ir: {groups: [ir]}
steps:
  - {id: by_key, phase: identify, approve: {title: "Look at ${{ alert.target.pod }}?", from: ir, show: [alert.rule], timeout: 1h}}
  - {id: by_token, approve: {title: "Look closer?", from: ir, show: [alert.rule], timeout: 1h}}
  - {id: nobody, approve: {title: "Tell everybody?", from: ir, skipWhen: alert.rule != ''}}
  - {id: held, uses: telemetry.query_prometheus, with: {query: refuse}}
  - {id: pause, wait: 1s}
  - {id: open, phase: identify, uses: evidence.record_alert, with: {alert: "${{ alert }}"}}
  - {id: metrics, phase: identify, uses: telemetry.query_prometheus, with: {query: up}}
  - {id: fails, phase: identify, onError: continue, uses: telemetry.query_prometheus, with: {query: refuse}}
  - {id: tell, phase: improve, uses: notify.send, with: {title: "Look at ${{ alert.target.pod }}"}}
  - {id: ticket, phase: improve, uses: ticket.open, with: {title: "Look at ${{ alert.target.pod }}"}}
finally:
  - {id: report, phase: improve, uses: report.render, with: {record: "${{ run.record }}"}}
  - {id: history, phase: improve, uses: evidence.export_history, with: {workflow: "${{ run.workflow }}", run: "${{ run.record.run }}"}}
  - {id: seal, uses: evidence.seal}
`

// secretsWorld is a whole installation whose secrets are known to the test.
type secretsWorld struct {
	t       *testing.T
	secrets map[string]string // where it was planted -> the secret
	said    map[string]string // what was printed, logged or stored, by its source
	asked   atomic.Int64      // questions to Prometheus that carried the token
}

// TestNoSecretIsTold plants a secret through every reference of the configuration, runs a case from its alert to its report with
// all of them in use, and looks for them in everything that is printed, logged, kept by Temporal or written as evidence.
func TestNoSecretIsTold(t *testing.T) {
	lab := labenv.Load(t)
	t.Setenv("TEMPORAL_ADDRESS", lab.Temporal.Address)
	t.Setenv("TEMPORAL_NAMESPACE", newNamespace(t, lab.Temporal.Address))
	w := newSecretsWorld(t)
	w.everyReferenceIsPlanted()
	for _, args := range [][]string{{"config", "check"}, {"config", "check", "--output", "json"}} {
		w.do(exitOK, args...)
	}
	stopWorker := w.start("worker", "worker", "--role", "interpreter,cluster,analysis", "--drain", "1s")
	stopServe, serve := w.listening("serve", `msg="listening for alerts" address=(\S+)`)
	stopCodec, codec := w.listening("codec", `msg="listening for the Web UI" address=(\S+)`)
	shell := falcoSample(t, "terminal-shell")
	for token, want := range map[string]int{"wrong": 401, w.secrets["receiver-token"]: 202} {
		if got := w.send(serve+"/v1/falco", token, shell); got != want {
			t.Errorf("the receiver answers %d, want %d", got, want)
		}
	}
	for token, want := range map[string]int{"wrong": 401, w.secrets["PLANTED_CODEC"]: 200} {
		if got := w.send(codec+"/decode", token, `{"payloads":[]}`); got != want {
			t.Errorf("the codec server answers %d, want %d", got, want)
		}
	}
	w.peopleDecide(serve)
	w.ended()
	w.server()
	for _, args := range [][]string{
		{"show", "secrets-"}, {"show", "secrets-", "--output", "json"}, {"cases", "--output", "json"}, {"watch", "secrets-"},
	} {
		w.do(exitOK, args...)
	}
	w.payloads(w.do(exitOK, "show", "secrets-", "--history"))
	for _, stop := range []func(){stopServe, stopCodec, stopWorker} {
		stop()
	}
	w.files("evidence", "tickets")
	if w.asked.Load() == 0 {
		t.Error("Prometheus never saw its token: the test shows nothing about it")
	}
	w.nothingFound()
}

func newSecretsWorld(t *testing.T) *secretsWorld {
	t.Helper()
	t.Chdir(t.TempDir())
	w := &secretsWorld{t: t, said: map[string]string{}, secrets: map[string]string{
		"receiver-token": "planted-receiver-5e1c0f", "prometheus-token": "planted-prometheus-77ab", "PLANTED_CODEC": "planted-codec-19d44c",
		"key1":         base64.StdEncoding.EncodeToString([]byte("planted-key-number-one-aaaaaaaaa")),
		"PLANTED_KEY2": hex.EncodeToString([]byte("planted-key-number-two-bbbbbbbbb")),
	}}
	prometheus := httptest.NewServer(http.HandlerFunc(w.prometheus))
	t.Cleanup(prometheus.Close)
	t.Setenv(config.PrometheusVariable, "") // the lab's own
	w.secrets["webhook"] = prometheus.URL + "/planted-webhook-60f3"
	w.secrets["signing-key"], w.secrets["seal-key"] = w.signingKey("ann.pub"), w.signingKey("seal.pub")
	w.write("firebreak.yaml", strings.ReplaceAll(secretsConfig, "PROMETHEUS", prometheus.URL))
	w.write("secrets.yaml", secretsPlaybook)
	for name, secret := range w.secrets {
		if strings.HasPrefix(name, "PLANTED_") {
			t.Setenv(name, secret)
		} else {
			w.write(name, secret+"\n")
		}
	}
	return w
}

// signingKey is a new private key, as a file has it. Its public half is written to a file of that name.
func (w *secretsWorld) signingKey(public string) string {
	w.t.Helper()
	half, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(half)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(public, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// prometheus answers, and fails with words that quote what it was sent.
func (w *secretsWorld) prometheus(rw http.ResponseWriter, req *http.Request) {
	if req.Header.Get("Authorization") == "Bearer "+w.secrets["prometheus-token"] {
		w.asked.Add(1)
	}
	if req.FormValue("query") == "refuse" {
		http.Error(rw, `{"status":"error","errorType":"bad_data","error":"no such metric"}`, http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(rw, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"x"},"value":[1764068400,"1"]}]}}`)
}

func (w *secretsWorld) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// everyReferenceIsPlanted fails where the configuration has a reference to a secret that this test does not use.
func (w *secretsWorld) everyReferenceIsPlanted() {
	w.t.Helper()
	cfg, problems, err := config.Load("", os.LookupEnv)
	if err != nil || len(problems) > 0 {
		w.t.Fatal(err, problems)
	}
	found := 0
	references(reflect.ValueOf(cfg), "config", func(path string, s config.Secret) {
		found++
		text, err := s.Read(os.LookupEnv)
		if err != nil || text == "" {
			w.t.Errorf("%s is not planted: name a secret for it in this test (%v)", path, err)
			return
		}
		for _, secret := range w.secrets {
			if secret == text {
				return
			}
		}
		w.t.Errorf("%s is a secret that this test does not know", path)
	})
	if found < len(w.secrets) {
		w.t.Fatalf("only %d references were found", found)
	}
}

// references visits every secret of the configuration; a list that is empty counts as a reference without a name.
func references(v reflect.Value, path string, visit func(string, config.Secret)) {
	if s, is := v.Interface().(config.Secret); is {
		visit(path, s)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				references(v.Field(i), path+"."+f.Name, visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			references(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
		if v.Len() == 0 && v.Type().Elem().Kind() == reflect.Struct {
			references(reflect.Zero(v.Type().Elem()), path+"[]", visit)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if value := v.MapIndex(key); value.Kind() == reflect.Struct {
				references(value, path+"."+key.String(), visit)
			}
		}
	}
}

// do runs a command to its end and keeps what it says.
func (w *secretsWorld) do(want int, args ...string) string {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	sys := system{stdout: &stdout, stderr: &stderr, now: time.Now, env: os.LookupEnv, person: "tester@test"}
	if code := run(w.t.Context(), sys, args); code != want {
		w.t.Errorf("%v ended with %d: %s", args, code, &stderr)
	}
	w.said[strings.Join(args, " ")] = stdout.String() + stderr.String()
	return stdout.String()
}

// start runs a command until the function it gives is called.
func (w *secretsWorld) start(name string, args ...string) func() {
	stop, _ := w.started(name, args...)
	return stop
}

func (w *secretsWorld) started(name string, args ...string) (func(), *safeBuffer) {
	log := &safeBuffer{}
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	ended := make(chan int, 1)
	sys := system{stdout: log, stderr: log, now: time.Now, env: os.LookupEnv}
	go func() { ended <- run(ctx, sys, args) }()
	return func() {
		cancel()
		if code := <-ended; code != exitOK {
			w.t.Errorf("%s ended with %d", name, code)
		}
		w.said["log of "+name] = log.String()
	}, log
}

func (w *secretsWorld) listening(command, line string) (stop func(), url string) {
	w.t.Helper()
	stop, log := w.started(command, command)
	for range 1000 {
		if m := regexp.MustCompile(line).FindStringSubmatch(log.String()); m != nil {
			return stop, "http://" + m[1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("%s does not listen:\n%s", command, log)
	return nil, ""
}

func (w *secretsWorld) send(url, token, body string) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	var said struct{ status int }
	for range 100 { // the worker registers search attributes first
		res, err := http.DefaultClient.Do(req.Clone(w.t.Context()))
		if err != nil {
			w.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil {
			w.t.Fatal(err)
		}
		_ = res.Body.Close()
		w.said[fmt.Sprintf("answer %d of %s", res.StatusCode, url)] = string(text)
		if said.status = res.StatusCode; said.status != http.StatusServiceUnavailable {
			break
		}
		req.Body = io.NopCloser(strings.NewReader(body))
		time.Sleep(200 * time.Millisecond)
	}
	return said.status
}

// ended waits until the case is over.
func (w *secretsWorld) ended() {
	w.t.Helper()
	for range 300 {
		var out bytes.Buffer
		sys := system{stdout: &out, stderr: io.Discard, now: time.Now, env: os.LookupEnv}
		if run(w.t.Context(), sys, []string{"show", "secrets-", "--output", "json"}) == exitOK && strings.Contains(out.String(), `"outcome"`) {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	w.t.Fatal("the case does not end")
}

// payloads puts what stands in a history as base64 among what was said.
func (w *secretsWorld) payloads(history string) {
	w.t.Helper()
	h, err := client.HistoryFromJSON(strings.NewReader(history), client.HistoryJSONOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	var text strings.Builder
	err = proxy.VisitPayloads(w.t.Context(), h, proxy.VisitPayloadsOptions{
		Visitor: func(_ *proxy.VisitPayloadsContext, list []*commonpb.Payload) ([]*commonpb.Payload, error) {
			for _, p := range list {
				text.Write(p.GetData())
			}
			return list, nil
		},
	})
	for _, part := range []string{`"steps"`, `"signature"`, "identify / metrics", "waits for a decision on by_key", "identify / pause waits"} { // plan, updates, summaries
		if err != nil || !strings.Contains(text.String(), part) {
			w.t.Fatalf("the history lacks %q: %v", part, err)
		}
	}
	w.said["payloads of the history"] = text.String()
}

func (w *secretsWorld) files(folders ...string) {
	w.t.Helper()
	names := ""
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(name)
			w.said[name], names = string(raw), names+name+"\n"
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for _, part := range []string{"report.html", "history.json", "manifest", "evidence.intoto.jsonl", "tickets/"} {
		if !strings.Contains(names, part) {
			w.t.Errorf("there is no %s among\n%s", part, names)
		}
	}
}

func (w *secretsWorld) nothingFound() {
	w.t.Helper()
	for source, text := range w.said {
		for where, secret := range w.secrets {
			for form, pattern := range formsOf(secret) {
				if strings.Contains(text, pattern) {
					w.t.Errorf("the secret of %s stands in %s, %s", where, source, form)
				}
			}
		}
	}
	if len(w.said) < 20 {
		w.t.Errorf("only %d things were looked at", len(w.said))
	}
}

// formsOf are the ways in which a secret may be written.
func formsOf(secret string) map[string]string {
	forms := map[string]string{
		"as it is": secret, "in base64": base64.RawStdEncoding.EncodeToString([]byte(secret)), "in hex": hex.EncodeToString([]byte(secret)),
	}
	if raw, err := hex.DecodeString(secret); err == nil {
		forms["as bytes"], forms["its bytes in base64"] = string(raw), base64.RawStdEncoding.EncodeToString(raw)
	} else if raw, err := base64.StdEncoding.DecodeString(secret); err == nil {
		forms["as bytes"], forms["its bytes in hex"] = string(raw), hex.EncodeToString(raw)
	}
	return forms
}

package kubetest

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/firebreak-ir/firebreak/activities/conformance"
)

// Classify reads a request as the API server's own authorizer does: which verb on which resource.
func Classify(r *http.Request) conformance.Use {
	group, rest, ok := apiPath(r.URL.Path)
	if !ok {
		return conformance.Use{}
	}
	if len(rest) > 2 && rest[0] == "namespaces" {
		rest = rest[2:]
	}
	if len(rest) == 0 {
		return conformance.Use{} // discovery
	}
	resource := rest[0]
	if len(rest) > 2 {
		resource += "/" + rest[2]
	}
	verb := verbOf(r, len(rest) > 1)
	write := verb != "get" && verb != "list" && verb != "watch" && !isDry(r)
	return conformance.Use{Permission: conformance.Name(verb, group, resource), Write: write}
}

// isDry tells a request that asks for the API server's own dry run: in the query, or of a deletion in the body.
func isDry(r *http.Request) bool {
	if r.URL.Query().Get("dryRun") != "" {
		return true
	}
	if r.Method != http.MethodDelete || r.Body == nil {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))                        // the server reads it too
	return err == nil && bytes.Contains(body, []byte(metav1.DryRunAll)) // in JSON or protobuf; nothing else in it says All
}

// apiPath takes /api/v1/… and /apis/<group>/<version>/… apart.
func apiPath(path string) (group string, rest []string, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) >= 2:
		return "", parts[2:], true
	case parts[0] == "apis" && len(parts) >= 3:
		return parts[1], parts[3:], true
	}
	return "", nil, false
}

func verbOf(r *http.Request, named bool) string {
	switch r.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		if named {
			return "delete"
		}
		return "deletecollection"
	}
	switch {
	case named:
		return "get"
	case r.URL.Query().Get("watch") == "true":
		return "watch"
	}
	return "list"
}

package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/firebreak-ir/firebreak/workflows"
)

// ensureAttributes registers the search attributes that cases carry. Where the worker may not, it says which command
// does.
func ensureAttributes(ctx context.Context, c client.Client, namespace string) error {
	known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list search attributes: %w", err)
	}
	missing := map[string]enumspb.IndexedValueType{}
	for name, kind := range wanted() {
		if have, there := known.GetCustomAttributes()[name]; !there {
			missing[name] = kind
		} else if have != kind {
			return fmt.Errorf("search attribute %s is a %s in namespace %q, and must be a %s: remove it, then start again", name, have, namespace, kind)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	if err != nil {
		return fmt.Errorf("register search attributes: %w; an administrator can: %s", err, command(namespace))
	}
	return settle(ctx, c, namespace)
}

// lag is longer than the two seconds after which each of Temporal's services reads its namespaces again.
const lag = 3 * time.Second

// settle waits until attributes that were registered just now are known to every service of the server. A run that
// uses them earlier is refused and tried again only ten to twenty seconds later: too long for a first case.
func settle(ctx context.Context, c client.Client, namespace string) error {
	query := fmt.Sprintf("%s = '%s'", workflows.OutcomeAttribute, workflows.Running)
	for {
		_, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace, Query: query, PageSize: 1})
		var early *serviceerror.InvalidArgument
		if err == nil {
			return pause(ctx, lag) // the frontend knows them; the others cannot be asked
		}
		if !errors.As(err, &early) {
			return fmt.Errorf("look for search attributes: %w", err)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func wanted() map[string]enumspb.IndexedValueType {
	all := map[string]enumspb.IndexedValueType{}
	for _, name := range workflows.KeywordAttributes() {
		all[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	for _, name := range workflows.DatetimeAttributes() {
		all[name] = enumspb.INDEXED_VALUE_TYPE_DATETIME
	}
	for _, name := range workflows.BoolAttributes() {
		all[name] = enumspb.INDEXED_VALUE_TYPE_BOOL
	}
	for _, name := range workflows.KeywordListAttributes() {
		all[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST
	}
	return all
}

func command(namespace string) string {
	var w strings.Builder
	fmt.Fprintf(&w, "temporal operator search-attribute create --namespace %s", namespace)
	for _, name := range workflows.KeywordAttributes() {
		fmt.Fprintf(&w, " --name %s --type Keyword", name)
	}
	for _, name := range workflows.DatetimeAttributes() {
		fmt.Fprintf(&w, " --name %s --type Datetime", name)
	}
	for _, name := range workflows.BoolAttributes() {
		fmt.Fprintf(&w, " --name %s --type Bool", name)
	}
	for _, name := range workflows.KeywordListAttributes() {
		fmt.Fprintf(&w, " --name %s --type KeywordList", name)
	}
	return w.String()
}

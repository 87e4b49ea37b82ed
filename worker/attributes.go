package worker

import (
	"context"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
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
	return nil
}

func wanted() map[string]enumspb.IndexedValueType {
	all := map[string]enumspb.IndexedValueType{}
	for _, name := range workflows.KeywordAttributes() {
		all[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	for _, name := range workflows.DatetimeAttributes() {
		all[name] = enumspb.INDEXED_VALUE_TYPE_DATETIME
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
	return w.String()
}

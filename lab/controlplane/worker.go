package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	authv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd/api"
)

// The product's service account, as its manifests name it.
const (
	WorkerNamespace = "firebreak"
	WorkerAccount   = "firebreak-worker"
)

// Apply brings the objects of a manifest file into the cluster as they stand there, again when they changed.
func (p ControlPlane) Apply(ctx context.Context, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("apply manifests: %w", err)
	}
	client, err := dynamic.NewForConfig(p.Client())
	if err != nil {
		return err
	}
	mapper, err := p.mapper()
	if err != nil {
		return err
	}
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096); ; {
		object := new(unstructured.Unstructured)
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("apply manifests of %q: %w", file, err)
		}
		if len(object.Object) == 0 {
			continue // nothing between two separators
		}
		if err := applyObject(ctx, client, mapper, object); err != nil {
			return fmt.Errorf("apply %s %q of %q: %w", object.GetKind(), object.GetName(), file, err)
		}
	}
}

func (p ControlPlane) mapper() (meta.RESTMapper, error) {
	client, err := discovery.NewDiscoveryClientForConfig(p.Client())
	if err != nil {
		return nil, err
	}
	groups, err := restmapper.GetAPIGroupResources(client)
	if err != nil {
		return nil, fmt.Errorf("ask for the API's resources: %w", err)
	}
	return restmapper.NewDiscoveryRESTMapper(groups), nil
}

func applyObject(ctx context.Context, client dynamic.Interface, mapper meta.RESTMapper, object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	var target dynamic.ResourceInterface = client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		target = client.Resource(mapping.Resource).Namespace(object.GetNamespace())
	}
	_, err = target.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "firebreak-lab", Force: true})
	return err
}

// WriteWorkerKubeconfig writes a kubeconfig with a token of the product's service account, and says where.
func (p ControlPlane) WriteWorkerKubeconfig(ctx context.Context) (string, error) {
	client, err := kubernetes.NewForConfig(p.Client())
	if err != nil {
		return "", err
	}
	seconds := int64(30 * 24 * 60 * 60) // longer than a lab lives
	token, err := client.CoreV1().ServiceAccounts(WorkerNamespace).CreateToken(ctx, WorkerAccount,
		&authv1.TokenRequest{Spec: authv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token for service account %q in namespace %q: %w", WorkerAccount, WorkerNamespace, err)
	}
	user := &api.AuthInfo{Token: token.Status.Token}
	return p.file("worker.kubeconfig"), p.writeUser("worker", user, WorkerNamespace)
}

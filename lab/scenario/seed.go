package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

type seeding struct {
	Config
	client kubernetes.Interface
}

func (s seeding) namespace(ctx context.Context) error {
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace, Labels: map[string]string{"team": "storefront"}}}
	_, err := s.client.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{})
	return unlessExists(err)
}

func (s seeding) workload(ctx context.Context) error {
	_, noDeployment := s.client.AppsV1().Deployments(Namespace).Create(ctx, s.deployment(), metav1.CreateOptions{})
	_, noService := s.client.CoreV1().Services(Namespace).Create(ctx, service(), metav1.CreateOptions{})
	return errors.Join(unlessExists(noDeployment), unlessExists(noService))
}

func (s seeding) barePod(ctx context.Context) error {
	if err := s.awaitServiceAccount(ctx); err != nil {
		return err
	}
	_, err := s.client.CoreV1().Pods(Namespace).Create(ctx, s.canary(), metav1.CreateOptions{})
	return unlessExists(err)
}

// awaitServiceAccount waits for the controller manager, without whose service account no pod is admitted.
func (s seeding) awaitServiceAccount(ctx context.Context) error {
	return poll(ctx, func(ctx context.Context) error {
		_, err := s.client.CoreV1().ServiceAccounts(Namespace).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

func (s seeding) otherPeoples(ctx context.Context) error {
	_, noPolicy := s.client.NetworkingV1().NetworkPolicies(Namespace).Create(ctx, foreignPolicy(), metav1.CreateOptions{})
	_, noBudget := s.client.PolicyV1().PodDisruptionBudgets(Namespace).Create(ctx, budget(), metav1.CreateOptions{})
	return errors.Join(unlessExists(noPolicy), unlessExists(noBudget))
}

func (s seeding) systemPods(ctx context.Context) error {
	_, err := s.client.AppsV1().DaemonSets(metav1.NamespaceSystem).Create(ctx, s.nodeAgent(), metav1.CreateOptions{})
	return unlessExists(err)
}

func (s seeding) await(ctx context.Context) error {
	return poll(ctx, func(ctx context.Context) error {
		return errors.Join(s.deploymentReady(ctx), s.barePodReady(ctx), s.systemPodsReady(ctx))
	})
}

func (s seeding) deploymentReady(ctx context.Context) error {
	object, err := s.client.AppsV1().Deployments(Namespace).Get(ctx, Deployment, metav1.GetOptions{})
	if err == nil && object.Status.ReadyReplicas < Replicas {
		err = fmt.Errorf("%d of %d pods of the deployment are ready", object.Status.ReadyReplicas, Replicas)
	}
	return err
}

func (s seeding) barePodReady(ctx context.Context) error {
	object, err := s.client.CoreV1().Pods(Namespace).Get(ctx, BarePod, metav1.GetOptions{})
	if err == nil && !ready(object) {
		err = fmt.Errorf("pod %q is not ready", BarePod)
	}
	return err
}

func (s seeding) systemPodsReady(ctx context.Context) error {
	object, err := s.client.AppsV1().DaemonSets(metav1.NamespaceSystem).Get(ctx, SystemPods, metav1.GetOptions{})
	if err == nil && (object.Status.NumberReady == 0 || object.Status.NumberReady < object.Status.DesiredNumberScheduled) {
		err = fmt.Errorf("%d of %d system pods are ready", object.Status.NumberReady, object.Status.DesiredNumberScheduled)
	}
	return err
}

func ready(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

func unlessExists(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// poll asks until the answer is nil; in the end it tells what was missing.
func poll(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", patience, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

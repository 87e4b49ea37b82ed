package kubetest

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PodSpec is a pod on the world's own node.
func (w *World) PodSpec() corev1.PodSpec {
	return corev1.PodSpec{
		NodeName:   w.Node,
		Containers: []corev1.Container{{Name: "web", Image: "docker.io/library/nginx:1.27"}},
	}
}

// Pod makes a pod and waits until it runs. adjust may be nil.
func (w *World) Pod(t testing.TB, name string, labels map[string]string, adjust func(*corev1.Pod)) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: w.PodSpec()}
	if adjust != nil {
		adjust(pod)
	}
	_, err := w.Admin.CoreV1().Pods(w.Namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	Must(t, err)
	return w.Running(t, name)
}

// Running waits until the pod of that name runs.
func (w *World) Running(t testing.TB, name string) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	Eventually(t, "pod "+name+" to run", func() bool {
		var err error
		pod, err = w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), name, metav1.GetOptions{})
		Must(t, err)
		return pod.Status.Phase == corev1.PodRunning
	})
	return pod
}

// Deployment makes a Deployment and gives its pods once all of them run.
func (w *World) Deployment(t testing.TB, name string, labels map[string]string, replicas int32) []corev1.Pod {
	t.Helper()
	return w.DeploymentOf(t, name, labels, replicas, w.PodSpec())
}

// DeploymentOf is Deployment with pods of that spec.
func (w *World) DeploymentOf(t testing.TB, name string, labels map[string]string, replicas int32, spec corev1.PodSpec) []corev1.Pod {
	t.Helper()
	_, err := w.Admin.AppsV1().Deployments(w.Namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
		},
	}, metav1.CreateOptions{})
	Must(t, err)
	return w.RunningPods(t, labels, int(replicas))
}

// RunningPods waits until as many pods with these labels run, and gives them.
func (w *World) RunningPods(t testing.TB, labels map[string]string, count int) []corev1.Pod {
	t.Helper()
	var running []corev1.Pod
	Eventually(t, "the pods to run", func() bool {
		list, err := w.Admin.CoreV1().Pods(w.Namespace).List(t.Context(),
			metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: labels})})
		Must(t, err)
		running = nil
		for _, pod := range list.Items {
			if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
				running = append(running, pod)
			}
		}
		return len(running) == count
	})
	return running
}

// Service makes a Service over pods with these labels.
func (w *World) Service(t testing.TB, name string, selector map[string]string) {
	t.Helper()
	_, err := w.Admin.CoreV1().Services(w.Namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	Must(t, err)
}

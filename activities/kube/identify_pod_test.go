package kube_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/conformance"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/kube/kubetest"
)

const containerID = "45dd76eff80f0a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123"

// One pod with everything: a Deployment's, exposed, bound by a policy, on an EBS volume, with a role.
func scene(t *testing.T, w *kubetest.World) *corev1.Pod {
	t.Helper()
	w.Service(t, "web", map[string]string{"app": "web"})
	w.Service(t, "other", map[string]string{"app": "db"})
	makeIngress(t, w)
	makePolicy(t, w, "ours", networkingv1.NetworkPolicySpec{PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}})
	makePolicy(t, w, "theirs", networkingv1.NetworkPolicySpec{PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}})
	makeVolume(t, w)
	account, err := w.Admin.CoreV1().ServiceAccounts(w.Namespace).Get(t.Context(), "default", metav1.GetOptions{})
	kubetest.Must(t, err)
	account.Annotations = map[string]string{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/web"}
	_, err = w.Admin.CoreV1().ServiceAccounts(w.Namespace).Update(t.Context(), account, metav1.UpdateOptions{})
	kubetest.Must(t, err)
	spec := w.PodSpec()
	privileged := true
	spec.HostPID = true
	spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: &privileged}
	spec.Volumes = []corev1.Volume{
		{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}},
		{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}},
	}
	pods := w.DeploymentOf(t, "web", web(), 2, spec)
	setContainer(t, w, pods[0].Name)
	return &pods[0]
}

// setContainer writes the ids that a kubelet writes and kwok leaves out.
func setContainer(t *testing.T, w *kubetest.World, name string) {
	t.Helper()
	kubetest.Eventually(t, "the pod's status to be written", func() bool {
		pod, err := w.Admin.CoreV1().Pods(w.Namespace).Get(t.Context(), name, metav1.GetOptions{})
		kubetest.Must(t, err)
		pod.Status.ContainerStatuses[0].ContainerID = "containerd://" + containerID
		pod.Status.ContainerStatuses[0].ImageID = "docker.io/library/nginx@sha256:" + containerID
		_, err = w.Admin.CoreV1().Pods(w.Namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{})
		return err == nil
	})
}

func makeIngress(t *testing.T, w *kubetest.World) {
	t.Helper()
	kind := networkingv1.PathTypePrefix
	_, err := w.Admin.NetworkingV1().Ingresses(w.Namespace).Create(t.Context(), &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: &kind,
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
					Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}}}}}}}}},
	}, metav1.CreateOptions{})
	kubetest.Must(t, err)
}

func makeVolume(t *testing.T, w *kubetest.World) {
	t.Helper()
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	none, name := "", "pv-"+w.Namespace
	_, err := w.Admin.CoreV1().PersistentVolumes().Create(t.Context(), &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity: size, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				CSI: &corev1.CSIPersistentVolumeSource{Driver: "ebs.csi.aws.com", VolumeHandle: "vol-0123456789abcdef0"}},
		},
	}, metav1.CreateOptions{})
	kubetest.Must(t, err)
	w.Cleanup(t, "PersistentVolume "+name, func(k kubernetes.Interface) error {
		return k.CoreV1().PersistentVolumes().Delete(w.Context(t), name, metav1.DeleteOptions{})
	})
	_, err = w.Admin.CoreV1().PersistentVolumeClaims(w.Namespace).Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data"},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &none, VolumeName: name, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: size}},
	}, metav1.CreateOptions{})
	kubetest.Must(t, err)
}

func TestIdentifyPodFindsEverything(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := scene(t, w)
	out := run[kube.IdentifyPodOut](t, kube.IdentifyPod(w), call(caseA),
		kube.IdentifyPodIn{Namespace: w.Namespace, Pod: pod.Name, ContainerID: containerID[:12]})
	if out.Gone || out.UID != string(pod.UID) || !slices.Equal(out.Pods, []kube.PodRef{ref(pod)}) || len(out.Warnings) != 0 {
		t.Errorf("pod %+v, warnings %q", out.Pods, out.Warnings)
	}
	if out.Owner.Kind != "Deployment" || out.Owner.Name != "web" || len(out.Owners) != 2 || out.Owners[0].Kind != "ReplicaSet" {
		t.Errorf("owners %+v", out.Owners)
	}
	if out.SiblingCount != 1 || len(out.Siblings) != 1 || out.Siblings[0].Name == pod.Name {
		t.Errorf("siblings %+v", out.Siblings)
	}
	if out.Node != w.Node || out.Host.Name != w.Node || out.Host.Instance != "i-"+w.Node || out.Host.InternalIP == "" {
		t.Errorf("node %q, host %+v", out.Node, out.Host)
	}
	c := out.Containers[0]
	if c.Runtime != "containerd" || c.ContainerID != containerID || c.Digest != "sha256:"+containerID || !c.Running || !c.Privileged {
		t.Errorf("container %+v", c)
	}
	if !slices.Equal(out.EBSVolumes, []string{"vol-0123456789abcdef0"}) || out.Volumes[0].PV != "pv-"+w.Namespace || out.Volumes[1].HostPath != "/var/log" {
		t.Errorf("volumes %+v", out.Volumes)
	}
	if !slices.Equal(out.Services, []string{"web"}) || !slices.Equal(out.Ingresses, []string{"shop"}) || !slices.Equal(out.NetworkPolicies, []string{"ours"}) {
		t.Errorf("services %v, ingresses %v, policies %v", out.Services, out.Ingresses, out.NetworkPolicies)
	}
	if out.ServiceAccount != "default" || out.RoleARN != "arn:aws:iam::111122223333:role/web" || !out.Privileged || !out.HostPID || out.HostNetwork {
		t.Errorf("account %q, role %q, privileged %v, hostPID %v, hostNetwork %v", out.ServiceAccount, out.RoleARN, out.Privileged, out.HostPID, out.HostNetwork)
	}
}

// The permissions are spread over several pods: one of a Deployment, one of a Job, and one that is gone.
func TestIdentifyPodConforms(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := scene(t, w)
	job := jobPod(t, w)
	for _, in := range []kube.IdentifyPodIn{
		{Namespace: w.Namespace, Pod: job},
		{Namespace: w.Namespace, Pod: "gone", Node: "host-" + w.Node},
	} {
		run[kube.IdentifyPodOut](t, kube.IdentifyPod(w), call(caseA), in)
	}
	s := subject(w, kube.IdentifyPod, kube.IdentifyPodIn{Namespace: w.Namespace, Pod: pod.Name}, podsState(w))
	lacking := s.Without
	s.Without = nil // each permission below, with the input that needs it
	conformance.Look(t, s)
	for permission, in := range map[string]kube.IdentifyPodIn{
		"get pods": {Pod: pod.Name}, "list pods": {ContainerID: containerID}, "get nodes": {Pod: pod.Name},
		"list nodes": {Pod: "gone", Node: "host-" + w.Node}, "list events": {Pod: "gone"},
	} {
		in.Namespace = w.Namespace
		_, err := tryRun[kube.IdentifyPodOut](t, lacking(t, permission), call(caseA), in)
		wantKind(t, err, activities.Forbidden)
		names(t, permission, err.Error())
	}
	// What only describes the pod is a warning.
	for permission, in := range map[string]kube.IdentifyPodIn{
		"list pods": {Pod: pod.Name}, "get serviceaccounts": {Pod: pod.Name}, "get persistentvolumeclaims": {Pod: pod.Name}, "get persistentvolumes": {Pod: pod.Name},
		"list services": {Pod: pod.Name}, "list ingresses.networking.k8s.io": {Pod: pod.Name},
		"list networkpolicies.networking.k8s.io": {Pod: pod.Name}, "get replicasets.apps": {Pod: pod.Name}, "get jobs.batch": {Pod: job},
	} {
		in.Namespace = w.Namespace
		out := run[kube.IdentifyPodOut](t, lacking(t, permission), call(caseA), in)
		if len(out.Pods) != 1 {
			t.Errorf("without %q the pod is not found: %+v", permission, out)
		}
		names(t, permission, strings.Join(out.Warnings, "; "))
	}
}

// names checks that a message says which permission is missing.
func names(t *testing.T, permission, message string) {
	t.Helper()
	for _, word := range strings.Fields(permission) {
		if !strings.Contains(message, word) {
			t.Errorf("without %q the message does not name it: %q", permission, message)
		}
	}
}

// A StatefulSet gives a new pod the old one's name: it must not be taken for the alert's.
func TestIdentifyPodThatWasReplaced(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "db-0", nil, nil)
	setContainer(t, w, "db-0")
	created := pod.CreationTimestamp.Time
	for name, test := range map[string]struct {
		in   kube.IdentifyPodIn
		gone bool
	}{
		"seen later":                     {kube.IdentifyPodIn{Seen: created.Add(time.Second), ContainerID: "ffffffffffff"}, false},
		"seen before, another container": {kube.IdentifyPodIn{Seen: created.Add(-2 * time.Second), ContainerID: "ffffffffffff"}, true},
		"seen before, its container":     {kube.IdentifyPodIn{Seen: created.Add(-2 * time.Second), ContainerID: containerID[:12]}, false},
		"seen before, no container":      {kube.IdentifyPodIn{Seen: created.Add(-time.Hour)}, true},
		"clocks apart, no container":     {kube.IdentifyPodIn{Seen: created.Add(-30 * time.Second)}, false},
		"time unknown":                   {kube.IdentifyPodIn{ContainerID: "ffffffffffff"}, false},
	} {
		test.in.Namespace, test.in.Pod = w.Namespace, "db-0"
		out := run[kube.IdentifyPodOut](t, kube.IdentifyPod(w), call(caseA), test.in)
		if out.Gone != test.gone || (len(out.Pods) == 0) != test.gone {
			t.Errorf("%s: gone %v, pods %v: %s", name, out.Gone, out.Pods, out.Summary)
		}
	}
}

func jobPod(t *testing.T, w *kubetest.World) string {
	t.Helper()
	spec := w.PodSpec()
	spec.RestartPolicy = corev1.RestartPolicyNever
	_, err := w.Admin.BatchV1().CronJobs(w.Namespace).Create(t.Context(), &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Name: "nightly"},
		Spec: batchv1.CronJobSpec{Schedule: "* * * * *", Suspend: new(true),
			JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec}}}},
	}, metav1.CreateOptions{})
	kubetest.Must(t, err)
	cron, err := w.Admin.BatchV1().CronJobs(w.Namespace).Get(t.Context(), "nightly", metav1.GetOptions{})
	kubetest.Must(t, err)
	_, err = w.Admin.BatchV1().Jobs(w.Namespace).Create(t.Context(), &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "once", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cron, batchv1.SchemeGroupVersion.WithKind("CronJob"))}},
		Spec:       batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec}},
	}, metav1.CreateOptions{})
	kubetest.Must(t, err)
	var name string
	kubetest.Eventually(t, "the job's pod", func() bool {
		list, err := w.Admin.CoreV1().Pods(w.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=once"})
		kubetest.Must(t, err)
		if len(list.Items) == 1 {
			name = list.Items[0].Name
		}
		return name != ""
	})
	out := run[kube.IdentifyPodOut](t, kube.IdentifyPod(w), call(caseA), kube.IdentifyPodIn{Namespace: w.Namespace, Pod: name})
	if out.Owner.Kind != "CronJob" || out.Owner.Name != "nightly" {
		t.Errorf("owner of the job's pod is %+v", out.Owner)
	}
	return name
}

func TestIdentifyPodThatIsGone(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	pod := w.Pod(t, "web", nil, nil)
	_, err := w.Admin.CoreV1().Events(w.Namespace).Create(t.Context(), &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: "web.1"},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: w.Namespace, Name: "web", UID: pod.UID},
		Reason:         "Killing", Message: "Stopping container web", Source: corev1.EventSource{Component: "kubelet", Host: w.Node},
		LastTimestamp: metav1.Now(),
	}, metav1.CreateOptions{})
	kubetest.Must(t, err)
	kubetest.Must(t, w.Admin.CoreV1().Pods(w.Namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}))
	identify := func() kube.IdentifyPodOut {
		return run[kube.IdentifyPodOut](t, kube.IdentifyPod(w), call(caseA), kube.IdentifyPodIn{Namespace: w.Namespace, Pod: "web", UID: string(pod.UID)})
	}
	kubetest.Eventually(t, "the pod to go", func() bool { return identify().Gone })
	out := identify()
	if out.UID != string(pod.UID) || out.Host.Instance != "i-"+w.Node || len(out.Pods) != 0 || len(out.Events) == 0 {
		t.Errorf("output %+v: want what the events say", out)
	}
	w.Pod(t, "web", nil, nil) // another pod takes the name
	if out := identify(); !out.Gone || len(out.Pods) != 0 || !strings.Contains(out.Summary, "another pod has its name") {
		t.Errorf("output %+v takes another pod for the alert's", out)
	}
}

// A node that is gone with its pod is named, and nothing is left for later steps to act on.
func TestIdentifyPodOnANodeThatIsGone(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	out := run[kube.IdentifyPodOut](t, kube.IdentifyPod(w), call(caseA), kube.IdentifyPodIn{Namespace: w.Namespace, Pod: "gone", Node: "node-gone"})
	if !out.Gone || out.Node != "" || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "node-gone") {
		t.Errorf("output %+v", out)
	}
}

func TestIdentifyPodByContainer(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	w.Pod(t, "other", nil, nil)
	pod := w.Pod(t, "web", nil, nil)
	setContainer(t, w, "web")
	out := run[kube.IdentifyPodOut](t, kube.IdentifyPod(w), call(caseA), kube.IdentifyPodIn{Namespace: w.Namespace, ContainerID: containerID[:12]})
	if out.UID != string(pod.UID) {
		t.Errorf("found %q, want %q", out.UID, pod.UID)
	}
	out = run[kube.IdentifyPodOut](t, kube.IdentifyPod(w), call(caseA), kube.IdentifyPodIn{Namespace: w.Namespace, Pod: "web", ContainerID: "ffffffffffff"})
	if len(out.Warnings) != 1 {
		t.Errorf("warnings %q: the alert's container is not the pod's", out.Warnings)
	}
}

func TestIdentifyPodRefuses(t *testing.T) {
	t.Parallel()
	w := kubetest.New(t)
	for name, in := range map[string]kube.IdentifyPodIn{
		"nothing at all":       {},
		"a host's container":   {ContainerID: "host"},
		"a path for a name":    {Namespace: w.Namespace, Pod: "../../secrets/x"},
		"a path for namespace": {Namespace: "a/b", Pod: "web"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tryRun[kube.IdentifyPodOut](t, kube.IdentifyPod(w), call(caseA), in)
			wantKind(t, err, activities.InvalidInput)
		})
	}
}

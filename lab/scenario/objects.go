package scenario

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// port is where the shop's web server listens in its pods.
const port = 8080

func selector() map[string]string { return map[string]string{"app": "web"} }

func shopLabels() map[string]string { return map[string]string{"app": "web", "team": "storefront"} }

func (s seeding) deployment() *appsv1.Deployment {
	replicas := int32(Replicas)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: Deployment, Namespace: Namespace, Labels: shopLabels()},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: selector()},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: shopLabels()}, Spec: s.webPod()},
		},
	}
}

// canary is nobody's pod: no controller replaces it, and its labels alone do not tell it from the Deployment's.
func (s seeding) canary() *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: BarePod, Namespace: Namespace, Labels: shopLabels()}, Spec: s.webPod()}
}

func (s seeding) webPod() corev1.PodSpec {
	probe := corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(port)}
	return s.pod(corev1.Container{
		Name: Container, Image: s.Image, ImagePullPolicy: corev1.PullIfNotPresent,
		Ports:          []corev1.ContainerPort{{Name: "http", ContainerPort: port}},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &probe}, PeriodSeconds: 5},
		Resources:      small(),
	})
}

// pod runs a container on the scenario's node. It knows no DNS, as there is none.
func (s seeding) pod(container corev1.Container) corev1.PodSpec {
	grace := int64(2)
	onNode := corev1.NodeSelectorTerm{
		MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{s.Node}}},
	}
	required := &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{onNode}}
	return corev1.PodSpec{
		Containers: []corev1.Container{container}, DNSPolicy: corev1.DNSDefault, TerminationGracePeriodSeconds: &grace,
		Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: required}},
	}
}

func small() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("8Mi"),
	}}
}

func service() *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: Service, Namespace: Namespace, Labels: shopLabels()},
		Spec: corev1.ServiceSpec{
			Selector: selector(),
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(port)}},
		},
	}
}

// foreignPolicy belongs to the network team, and no responder may touch it.
func foreignPolicy() *networkingv1.NetworkPolicy {
	from := networkingv1.NetworkPolicyPeer{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "ingress"}},
	}
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{
			Name: ForeignPolicy, Namespace: Namespace,
			Labels:      map[string]string{"owner": "network-team"},
			Annotations: map[string]string{"network-team.example/change": "CHG-10442", "network-team.example/reviewed": "2026-02-11"},
		},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: selector()},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{from}}},
		},
	}
}

func budget() *policyv1.PodDisruptionBudget {
	least := intstr.FromInt32(2)
	return &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: PDB, Namespace: Namespace, Labels: map[string]string{"owner": "storefront-oncall"}},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &least, Selector: &metav1.LabelSelector{MatchLabels: selector()}},
	}
}

// nodeAgent runs on the scenario's node in kube-system, where a cordon does not keep it away.
func (s seeding) nodeAgent() *appsv1.DaemonSet {
	labels := map[string]string{"k8s-app": SystemPods}
	spec := s.pod(corev1.Container{
		Name: "agent", Image: s.Image, ImagePullPolicy: corev1.PullIfNotPresent, Resources: small(),
		Command: []string{"/bin/sh", "-c", `trap "exit 0" TERM; while :; do date; sleep 60 & wait $!; done`},
	})
	spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: SystemPods, Namespace: metav1.NamespaceSystem, Labels: labels},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
		},
	}
}

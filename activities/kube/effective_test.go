package kube

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func pol(name string, spec networkingv1.NetworkPolicySpec) networkingv1.NetworkPolicy {
	return networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
}

func TestEffectivePolicyAddsUp(t *testing.T) {
	const in, eg = networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress
	app := metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	udp, dns, last := corev1.ProtocolUDP, intstr.FromInt32(53), int32(60)
	denyAll := pol("deny", networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{in, eg}})
	for name, tc := range map[string]struct {
		policies []networkingv1.NetworkPolicy
		denied   bool
		open     []string
	}{
		"no policy": {nil, false, []string{"no policy restricts ingress", "no policy restricts egress"}},
		"deny all":  {[]networkingv1.NetworkPolicy{denyAll}, true, nil},
		"policyTypes left out, no egress rule": {
			[]networkingv1.NetworkPolicy{pol("a", networkingv1.NetworkPolicySpec{})}, false, []string{"no policy restricts egress"}},
		"policyTypes left out, an egress rule": {
			[]networkingv1.NetworkPolicy{pol("a", networkingv1.NetworkPolicySpec{Egress: []networkingv1.NetworkPolicyEgressRule{{}}})},
			false, []string{`policy "a" still allows egress to anywhere on every port`}},
		"another pod's policy": {
			[]networkingv1.NetworkPolicy{denyAll, pol("b", networkingv1.NetworkPolicySpec{
				PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}},
				Ingress:     []networkingv1.NetworkPolicyIngressRule{{}}})}, true, nil},
		"ours and one that allows": {
			[]networkingv1.NetworkPolicy{denyAll, pol("dns", networkingv1.NetworkPolicySpec{
				PodSelector: app, PolicyTypes: []networkingv1.PolicyType{eg},
				Ingress: []networkingv1.NetworkPolicyIngressRule{{}}, // not its type: no effect
				Egress: []networkingv1.NetworkPolicyEgressRule{{
					To:    []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}, PodSelector: &app}, {PodSelector: &app}, {NamespaceSelector: &app}, {IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: []string{"10.0.0.0/8"}}}},
					Ports: []networkingv1.NetworkPolicyPort{{Protocol: &udp, Port: &dns}, {Port: &dns, EndPort: &last}, {Protocol: &udp}},
				}}})},
			false, []string{`policy "dns" still allows egress to pods {app=web} of namespaces {<none>} or pods {app=web} of this namespace or ` +
				`all pods of namespaces {app=web} or 0.0.0.0/0 except 10.0.0.0/8 on UDP/53, TCP/53-60, every UDP port`}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := effectiveFor(map[string]string{"app": "web"}, tc.policies)
			if err != nil {
				t.Fatal(err)
			}
			if e.denied() != tc.denied || !slices.Equal(e.open(), tc.open) {
				t.Errorf("denied %v, open %q, want %v, %q", e.denied(), e.open(), tc.denied, tc.open)
			}
		})
	}
}

func TestLetGo(t *testing.T) {
	pod := map[string]string{"app": "web", "hash": "1", "note": "x"}
	takers := []selecting{
		{"ReplicaSet web", &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web", "hash": "1"}}},
		{"ReplicaSet other", &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web", "hash": "2"}}},
		{"Service none", nil},
		{"DaemonSet all", &metav1.LabelSelector{}},
		{"Job odd", &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "app", Operator: metav1.LabelSelectorOpDoesNotExist}}}},
	}
	r, err := letGo(pod, takers)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.left) != 1 || r.left["note"] != "x" || len(r.stripped) != 2 || r.stripped["hash"] != "1" {
		t.Errorf("left %v, stripped %v", r.left, r.stripped)
	}
	if !slices.Equal(r.released, []string{"ReplicaSet web"}) || !slices.Equal(r.still, []string{"DaemonSet all", "Job odd"}) {
		t.Errorf("released by %v, still selected by %v", r.released, r.still)
	}
}

func TestInstanceOf(t *testing.T) {
	for id, want := range map[string]string{
		"aws:///eu-central-1a/i-0abc": "i-0abc", "aws://eu-central-1a/i-0abc": "i-0abc", "": "",
		"gce://project/zone/i-vm": "", "aws:///eu-central-1a/fargate-ip-10-0-0-1": "", "kind://docker/i-1": "",
	} {
		if got := instanceOf(id); got != want {
			t.Errorf("instanceOf(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestInstanceStore(t *testing.T) {
	for kind, want := range map[string]bool{
		"m5d.large": true, "c6gd.medium": true, "i4i.xlarge": true, "d3en.xlarge": true, "z1d.large": true, "g5.xlarge": true,
		"m5.large": false, "t3.micro": false, "c7g.large": false, "": false, "odd": false,
	} {
		if got := instanceStore(kind); got != want {
			t.Errorf("instanceStore(%q) = %v, want %v", kind, got, want)
		}
	}
}

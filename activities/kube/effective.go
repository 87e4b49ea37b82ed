package kube

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Allowance is one rule of a policy through which a pod may still talk, policies being additive.
type Allowance struct {
	Policy    string `json:"policy" doc:"The NetworkPolicy that allows it"`
	Direction string `json:"direction" doc:"ingress or egress"`
	Rule      string `json:"rule" doc:"What it allows, in words"`
}

// effective is what all NetworkPolicies of a namespace mean together for one pod.
type effective struct {
	ingress, egress bool // some policy restricts this direction at all
	allowed         []Allowance
}

// denied tells whether nothing may reach the pod and it may reach nothing.
func (e effective) denied() bool { return e.ingress && e.egress && len(e.allowed) == 0 }

func (e effective) allows(direction string) bool {
	return slices.ContainsFunc(e.allowed, func(a Allowance) bool { return a.Direction == direction })
}

// open says in sentences why a pod is not denied everything.
func (e effective) open() []string {
	var why []string
	if !e.ingress {
		why = append(why, "no policy restricts ingress")
	}
	if !e.egress {
		why = append(why, "no policy restricts egress")
	}
	for _, a := range e.allowed {
		why = append(why, fmt.Sprintf("policy %q still allows %s %s", a.Policy, a.Direction, a.Rule))
	}
	return why
}

// effectiveFor adds up the policies that select a pod with these labels.
func effectiveFor(podLabels map[string]string, policies []networkingv1.NetworkPolicy) (effective, error) {
	var e effective
	for _, p := range policies {
		selected, err := selects(&p.Spec.PodSelector, podLabels)
		if err != nil {
			return e, fmt.Errorf("policy %q: %w", p.Name, err)
		}
		if selected {
			e.add(&p)
		}
	}
	return e, nil
}

func (e *effective) add(p *networkingv1.NetworkPolicy) {
	if applies(p, networkingv1.PolicyTypeIngress) {
		e.ingress = true
		for _, rule := range p.Spec.Ingress {
			e.allowed = append(e.allowed, Allowance{p.Name, "ingress", words("from", rule.From, rule.Ports)})
		}
	}
	if applies(p, networkingv1.PolicyTypeEgress) {
		e.egress = true
		for _, rule := range p.Spec.Egress {
			e.allowed = append(e.allowed, Allowance{p.Name, "egress", words("to", rule.To, rule.Ports)})
		}
	}
}

// applies follows the API's defaults: without policyTypes a policy is about ingress, and about egress if it has egress
// rules.
func applies(p *networkingv1.NetworkPolicy, kind networkingv1.PolicyType) bool {
	if len(p.Spec.PolicyTypes) > 0 {
		return slices.Contains(p.Spec.PolicyTypes, kind)
	}
	return kind == networkingv1.PolicyTypeIngress || len(p.Spec.Egress) > 0
}

func selects(s *metav1.LabelSelector, podLabels map[string]string) (bool, error) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return false, fmt.Errorf("selector: %w", err)
	}
	return selector.Matches(labels.Set(podLabels)), nil
}

func words(preposition string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) string {
	who := make([]string, 0, len(peers))
	for _, peer := range peers {
		who = append(who, peerWords(peer))
	}
	if len(who) == 0 {
		who = []string{"anywhere"}
	}
	on := make([]string, 0, len(ports))
	for _, port := range ports {
		on = append(on, portWords(port))
	}
	if len(on) == 0 {
		on = []string{"every port"}
	}
	return preposition + " " + strings.Join(who, " or ") + " on " + strings.Join(on, ", ")
}

func peerWords(peer networkingv1.NetworkPolicyPeer) string {
	if peer.IPBlock != nil {
		if len(peer.IPBlock.Except) > 0 {
			return peer.IPBlock.CIDR + " except " + strings.Join(peer.IPBlock.Except, ", ")
		}
		return peer.IPBlock.CIDR
	}
	where := "this namespace"
	if peer.NamespaceSelector != nil {
		where = "namespaces {" + metav1.FormatLabelSelector(peer.NamespaceSelector) + "}"
	}
	if peer.PodSelector == nil {
		return "all pods of " + where
	}
	return "pods {" + metav1.FormatLabelSelector(peer.PodSelector) + "} of " + where
}

func portWords(port networkingv1.NetworkPolicyPort) string {
	protocol := "TCP"
	if port.Protocol != nil {
		protocol = string(*port.Protocol)
	}
	switch {
	case port.Port == nil:
		return "every " + protocol + " port"
	case port.EndPort != nil:
		return fmt.Sprintf("%s/%s-%d", protocol, port.Port, *port.EndPort)
	}
	return protocol + "/" + port.Port.String()
}

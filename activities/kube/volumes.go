package kube

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Volume is one volume of a pod, down to the disk where there is one.
type Volume struct {
	Name      string `json:"name" doc:"The volume's name in the pod"`
	Kind      string `json:"kind" doc:"persistentVolumeClaim, emptyDir, hostPath, secret, configMap, projected or other"`
	Claim     string `json:"claim" doc:"Name of the PersistentVolumeClaim"`
	PV        string `json:"pv" doc:"Name of the PersistentVolume"`
	Driver    string `json:"driver" doc:"CSI driver, such as ebs.csi.aws.com"`
	Handle    string `json:"handle" doc:"The driver's name of the volume"`
	EBSVolume string `json:"ebsVolume" doc:"EBS volume id, such as vol-0abc; empty where it is none"`
	HostPath  string `json:"hostPath" doc:"The path on the node, for hostPath"`
}

func volumesOf(ctx context.Context, k kubernetes.Interface, pod *corev1.Pod) ([]Volume, error) {
	out := []Volume{}
	for _, v := range pod.Spec.Volumes {
		volume := describeVolume(pod, v)
		if volume.Claim != "" {
			if err := followClaim(ctx, k, pod.Namespace, &volume); err != nil {
				return append(out, volume), err
			}
		}
		out = append(out, volume)
	}
	return out, nil
}

func describeVolume(pod *corev1.Pod, v corev1.Volume) Volume {
	out := Volume{Name: v.Name, Kind: "other"}
	switch {
	case v.PersistentVolumeClaim != nil:
		out.Kind, out.Claim = "persistentVolumeClaim", v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		out.Kind, out.Claim = "persistentVolumeClaim", pod.Name+"-"+v.Name // the name that the controller gives it
	case v.HostPath != nil:
		out.Kind, out.HostPath = "hostPath", v.HostPath.Path
	case v.EmptyDir != nil:
		out.Kind = "emptyDir"
	case v.Secret != nil:
		out.Kind = "secret"
	case v.ConfigMap != nil:
		out.Kind = "configMap"
	case v.Projected != nil:
		out.Kind = "projected"
	case v.CSI != nil:
		out.Driver = v.CSI.Driver
	}
	return out
}

// followClaim goes from the claim to the volume to the disk. A claim that is gone or not bound ends the walk.
func followClaim(ctx context.Context, k kubernetes.Interface, namespace string, out *Volume) error {
	claim, err := k.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, out.Claim, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return request{verb: "get", resource: "persistentvolumeclaims", namespace: namespace, name: out.Claim}.explain(err)
	}
	if out.PV = claim.Spec.VolumeName; out.PV == "" {
		return nil
	}
	pv, err := k.CoreV1().PersistentVolumes().Get(ctx, out.PV, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return request{verb: "get", resource: "persistentvolumes", name: out.PV}.explain(err)
	}
	describePV(pv, out)
	return nil
}

func describePV(pv *corev1.PersistentVolume, out *Volume) {
	switch {
	case pv.Spec.CSI != nil:
		out.Driver, out.Handle = pv.Spec.CSI.Driver, pv.Spec.CSI.VolumeHandle
		if out.Driver == "ebs.csi.aws.com" {
			out.EBSVolume = out.Handle
		}
	case pv.Spec.AWSElasticBlockStore != nil: // aws://eu-central-1a/vol-0abc, or the id alone
		out.Handle = pv.Spec.AWSElasticBlockStore.VolumeID
		out.EBSVolume = out.Handle[strings.LastIndexByte(out.Handle, '/')+1:]
	}
}

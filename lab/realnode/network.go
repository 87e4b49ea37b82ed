package realnode

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/firebreak-ir/firebreak/lab/process"
)

// uniqueName is one lab's name among all on this machine. It names a network interface, which may have 15 characters.
func uniqueName(dir string) string {
	sum := sha256.Sum256([]byte(filepath.Clean(dir)))
	return "fb" + hex.EncodeToString(sum[:5])
}

// subnet is a /24 for the node and its pods.
type subnet struct{ netip.Prefix }

func (s subnet) gateway() netip.Addr  { return s.host(1) }
func (s subnet) firstPod() netip.Addr { return s.host(10) }

func (s subnet) host(last byte) netip.Addr {
	octets := s.Addr().As4()
	octets[3] = last
	return netip.AddrFrom4(octets)
}

// freeSubnet picks a subnet of 10.128.0.0/9 that no interface of this machine has, starting at one that is the lab's.
func freeSubnet(unique string) (subnet, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return subnet{}, err
	}
	sum := sha256.Sum256([]byte(unique))
	start := int(sum[0])<<8 | int(sum[1])
	for i := range 1 << 15 {
		n := (start + i) % (1 << 15)
		candidate := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 128 + byte(n>>8), byte(n), 0}), 24)
		if !taken(candidate, addresses) {
			return subnet{candidate}, nil
		}
	}
	return subnet{}, fmt.Errorf("no free subnet in 10.128.0.0/9")
}

func taken(candidate netip.Prefix, addresses []net.Addr) bool {
	for _, address := range addresses {
		if used, err := netip.ParsePrefix(address.String()); err == nil && used.Masked().Overlaps(candidate) {
			return true
		}
	}
	return false
}

// makeBridge makes the bridge that joins node and pods. CNI's own plugin would make it too late: the kubelet needs its
// address, and would turn on IP forwarding for the whole machine.
func (n *node) makeBridge(ctx context.Context) error {
	if err := n.Group.OnDown(process.Cleanup{Kind: process.DeleteLink, Target: n.unique}); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"link", "add", n.unique, "type", "bridge"},
		{"addr", "add", netip.PrefixFrom(n.subnet.gateway(), 24).String(), "dev", n.unique},
		{"link", "set", n.unique, "up"},
	} {
		if err := run(exec.CommandContext(ctx, "ip", args...)); err != nil {
			return err
		}
	}
	return nil
}

func run(cmd *exec.Cmd) error {
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, strings.TrimSpace(string(output)))
	}
	return nil
}

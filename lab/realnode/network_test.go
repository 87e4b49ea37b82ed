package realnode

import (
	"net"
	"net/netip"
	"testing"
)

func TestLabsHaveTheirOwnNames(t *testing.T) {
	one, two := uniqueName("/tmp/lab-1"), uniqueName("/tmp/lab-2")
	if one == two || one != uniqueName("/tmp/lab-1/") {
		t.Errorf("got %q and %q", one, two)
	}
	if len(one) > 15 {
		t.Errorf("%q is too long for a network interface", one)
	}
}

func TestSubnetIsOneThatNobodyHas(t *testing.T) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	free, err := freeSubnet("fb0123456789")
	if err != nil {
		t.Fatal(err)
	}
	if taken(free.Prefix, addresses) || !netip.MustParsePrefix("10.128.0.0/9").Contains(free.gateway()) {
		t.Errorf("got %s", free)
	}
	used := &net.IPNet{IP: free.gateway().AsSlice(), Mask: net.CIDRMask(16, 32)}
	if !taken(free.Prefix, []net.Addr{used}) {
		t.Errorf("%s is not seen to overlap %s", free, used)
	}
}

# The first process of the lab's real node. It runs in mount, process and host name namespaces of its own: when it ends,
# however it ends, the kernel ends every process of the node, unmounts its file systems and frees its loop device.
set -eu

state=$1 bin=$2 device=$3 name=$4

hostname "$name"

# Everything the node needs of the machine is gathered below /run before the rest is hidden from it.
mkdir -p "$state/run"
mount -t tmpfs tmpfs "$state/run"
mkdir "$state/run/bin" "$state/run/node" "$state/run/sysctl" "$state/run/lock"
mount --bind "$bin" "$state/run/bin"
mount --bind "$state/etc" "$state/run/node"
mount --rbind "$state/run" /run

# The node's root disk. Only its /var is mounted in place: the programs are the machine's.
mkdir /run/volume
mount -t ext4 "$device" /run/volume
mount --bind /run/volume/var /var
mount -t tmpfs tmpfs /tmp

# The kubelet changes these for the whole machine; it gets copies.
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
	copy=/run/sysctl/$(basename "$setting")
	cat "/proc/sys/$setting" >"$copy"
	mount --bind "$copy" "/proc/sys/$setting"
done

# What the node writes belongs on its own disk; a program that thinks otherwise fails here, visibly.
mount -o remount,bind,ro /

touch /run/node/ready
trap 'exit 0' TERM
while :; do
	sleep 86400 &
	wait $!
done

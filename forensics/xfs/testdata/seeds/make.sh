#!/bin/bash
# Makes the small images that the fuzz targets start from. Needs root, xfsprogs and attr; run in this folder. The three
# variables let mkfs.xfs make file systems that are smaller than it makes for people.
set -euo pipefail
export TEST_DIR=/ TEST_DEV=/ QA_CHECK_FS=/
work=$(mktemp -d)
trap 'umount "$work/mnt" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/mnt"
make_image() { # name, options...
	name=$1
	shift
	truncate -s 18M "$work/$name.img"
	mkfs.xfs -q -f "$@" "$work/$name.img"
}
pack() { gzip -9 -n -c "$work/$1.img" >"$1.img.gz"; }
names() { # directory, count
	mkdir -p "$1"
	for i in $(seq "$2"); do : >"$1/name$i"; done
}
fill() {
	cd "$work/mnt"
	names inside 3
	names block 20
	names leaf 90
	names node 700
	head -c 30000 /dev/zero | tr '\0' x >file
	ln file another
	ln -s file short
	ln -s "$(printf 'long/%.0s' $(seq 150))" long
	mknod device c 1 3
	mkfifo pipe
	for i in $(seq 0 2 200); do printf piece | dd of=pieces bs=1024 seek="$i" conv=notrunc status=none; done
	xfs_io -f -c 'falloc 0 20k' unwritten
	setfattr -n user.small -v value file
	setfattr -n trusted.empty file
	for i in $(seq 80); do setfattr -n "user.number$i" -v "$(printf '%030d' "$i")" leaf; done
	setfattr -n user.large -v "$(printf '%05000d' 1)" block
	cd - >/dev/null
}
make_image forms -b size=1024
mount -o loop "$work/forms.img" "$work/mnt"
fill
umount "$work/mnt"
pack forms
make_image dirty -b size=1024 -i size=512 -m rmapbt=1
mount -o loop "$work/dirty.img" "$work/mnt"
names "$work/mnt/old" 30
umount "$work/mnt"
mount -o loop "$work/dirty.img" "$work/mnt"
fill
sync
rm -r "$work/mnt/old" "$work/mnt/leaf"
mv "$work/mnt/file" "$work/mnt/moved"
xfs_io -x -c 'shutdown -f' "$work/mnt"
umount "$work/mnt"
pack dirty
{
	printf '/\n0 0\nd--755 0 0\nfile ---640 1 2 %s\nlink l--777 0 0 file\npipe p--600 0 0\n' "$0"
	printf 'block d--755 0 0\n'
	for i in $(seq 20); do printf 'name%d c--600 0 0 1 3\n' "$i"; done
	printf '$\nnode d--755 0 0\n'
	for i in $(seq 400); do printf 'name%d c--600 0 0 1 3\n' "$i"; done
	printf '$\n$\n'
} >"$work/prototype"
make_image version4 -b size=512 -m crc=0 -p "$work/prototype"
pack version4

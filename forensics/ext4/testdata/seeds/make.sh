#!/bin/sh
# Makes the small images that the fuzz target starts from. Needs e2fsprogs; run in this folder.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree/dir/sub"
echo content >"$work/tree/dir/file"
head -c 20000 /dev/urandom >"$work/tree/dir/sub/blocks"
printf '%0100d' 7 >"$work/tree/dir/small"
ln -s dir/file "$work/tree/short"
ln -s "$(printf 'long/%.0s' $(seq 30))" "$work/tree/long"
for i in $(seq 60); do : >"$work/tree/dir/sub/a-name-that-is-rather-long-$i"; done
head -c 1024 /dev/urandom >"$work/block"
make_image() { # name, size, options...
	name=$1 size=$2
	shift 2
	mkfs.ext4 -q -F -m 0 -N 128 -d "$work/tree" "$@" "$work/$name.img" "$size"
}
pack() { gzip -9 -n -c "$work/$1.img" >"$1.img.gz"; }
make_image dirty 3M -b 1024 -J size=1
where=$(debugfs -R 'bmap dir/file 0' "$work/dirty.img" 2>/dev/null | tail -1)
printf 'journal_open -c -v 3\njournal_write -b %s %s\njournal_write -r 999\njournal_close\n' "$where" "$work/block" |
	debugfs -w -f - "$work/dirty.img"
pack dirty
make_image inline 300k -b 1024 -O inline_data,^has_journal,^resize_inode -I 256
pack inline
make_image ext2 300k -b 1024 -t ext2 -O ^resize_inode
pack ext2

#!/bin/sh
# Boots a small virtual machine on a gateway's LAN: a Linux kernel and busybox, no disk, no root. It asks for an address by DHCP, downloads
# a URL, shows the way there, and powers off.
#
#   netstrata gateway --link lan:/tmp/lan.sock          # in another terminal
#   deploy/qemu.sh /tmp/lan.sock http://192.0.2.1/file
#
# Needs qemu-system-x86_64 (7.2 or later, for `-netdev stream`), a static busybox, cpio, and a kernel with its modules: this machine's own, or
# any other, such as Debian's without installing it:
#
#   apt-get download "$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p')" && dpkg-deb -x linux-image-*.deb kernel
#   BOOT=kernel deploy/qemu.sh /tmp/lan.sock http://192.0.2.1/file
#
# ACCEL=kvm takes the processor's help. Tried with QEMU 7.2 and Linux 6.1 (Debian 12) without it: 3 s from start to power off. CI does not run
# it, since it would have to fetch a kernel.
set -eu
lan=${1:?say where the LAN is, such as /tmp/lan.sock} url=${2:?say what to download}
boot=${BOOT:-/}
kernel=$(find "$boot/boot/" -name "vmlinuz-${RELEASE:-*}" | sort -V | tail -1)
release=${kernel##*/vmlinuz-}
busybox=$(command -v busybox)
here=$(mktemp -d)
trap 'rm -r "$here"' EXIT

mkdir -p "$here/tree/bin" "$here/tree/modules" "$here/tree/dev" "$here/tree/proc" "$here/tree/etc"
cp "$busybox" "$here/tree/bin/busybox"
find "$boot/lib/modules/$release" '(' -name 'virtio.ko*' -o -name 'virtio_ring.*' -o -name 'virtio_pci*' -o -name 'virtio_net.*' -o -name 'failover.ko*' -o -name 'net_failover.*' ')' | while read -r module; do
  case $module in
    *.ko) cp "$module" "$here/tree/modules/" ;;
    *.ko.xz) xz -dc "$module" > "$here/tree/modules/$(basename "$module" .xz)" ;;
    *.ko.zst) zstd -qdc "$module" > "$here/tree/modules/$(basename "$module" .zst)" ;;
  esac
done
cat > "$here/tree/lease" << 'END'
#!/bin/busybox sh
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev eth0
ip link set eth0 mtu "${mtu:-1500}"
ip route add default via "$router"
for server in $dns; do echo "nameserver $server"; done > /etc/resolv.conf
echo "address $ip/$mask, router $router, names at ${dns:-none}"
END
cat > "$here/tree/init" << 'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
# Some need others first.
for pass in 1 2 3 4; do
  for module in /modules/*.ko; do insmod "$module" 2> /dev/null; done
done
ip link set lo up
ip link set eth0 up
udhcpc -i eth0 -n -q -t 10 -s /lease 2> /dev/null || echo "no address was given"
url=$(sed 's/.*get=//; s/ .*//' /proc/cmdline)
host=${url#*://} host=${host%%/*} host=${host%:*}
wget -q -O /download "$url" && echo "$url: $(wc -c < /download) bytes, $(sha256sum < /download)"
traceroute -n -q 1 -m 8 -w 2 "$host"
echo "up for $(cut -d. -f1 /proc/uptime) s"
poweroff -f
END
chmod 755 "$here/tree/init" "$here/tree/lease"
(cd "$here/tree" && find . | cpio --quiet -o -H newc | gzip -1) > "$here/initrd"

qemu-system-x86_64 -M q35 -accel "${ACCEL:-tcg}" -m 256 -nodefaults -no-reboot -display none -serial stdio \
  -kernel "$kernel" -initrd "$here/initrd" -append "console=ttyS0 quiet get=$url" \
  -netdev stream,id=lan,addr.type=unix,addr.path="$lan" -device virtio-net-pci,netdev=lan,romfile= < /dev/null

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /init of the test ramdisk: says that userspace runs and what it sees, runs /script, powers off.
# Words of the kernel's command line: shell (a shell instead of the end), reboot (end so), say=kmsg (by
# the kernel's log, where the kernel has no console for programs).
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
if grep -qw say=kmsg /proc/cmdline; then
    exec >/dev/kmsg 2>&1
fi

echo "ramdisk: userspace reached"
echo "ramdisk: $(uname -s -r -m)"
echo "ramdisk: command line: $(cat /proc/cmdline)"
echo "ramdisk: memory: $(sed -n 's/^MemTotal: *//p' /proc/meminfo)"
echo "ramdisk: cpus: $(grep -c ^processor /proc/cpuinfo)"
echo "ramdisk: hypervisor: $(cat /sys/hypervisor/type 2>/dev/null || echo none)"
echo "ramdisk: sum: $(gzip -c </bin/busybox | gunzip | md5sum | cut -c1-32)"

for module in /modules/*; do
    [ ! -e "$module" ] || insmod "$module" || echo "ramdisk: script failed: no module $module"
done
if [ -e /script ]; then
    if /script; then
        echo "ramdisk: script done"
    else
        echo "ramdisk: script failed, status $?"
    fi
fi
if grep -qw shell /proc/cmdline; then
    setsid sh -c 'exec sh </dev/console >/dev/console 2>&1'
fi
echo "ramdisk: end"
if grep -qw reboot /proc/cmdline; then
    reboot -f
fi
poweroff -f

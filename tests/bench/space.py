# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts of the benchmark: bytes of the images, memory that a guest gets."""
import os
import re
import subprocess

from machine import TOP, STAGE, fetched, output, stage, try_to, values, work, xen

MIB, GIB = 1 << 20, 1 << 30


def grub_core(*modules):
    output("grub-mkimage", "-O", "i386-pc", "-p", "/boot/grub", "-o", work("core.img"), *modules)
    return os.path.getsize(work("core.img"))


def sizes(table):
    size = os.path.getsize
    whole = size(STAGE)
    table.section("Image sizes", "bytes", "peer")
    core = grub_core("biosdisk", "iso9660", "multiboot", "multiboot2", "linux", "normal", "gzio", "xzio",
                     "lzopio")
    table.row("the stage, all of it; GRUB's core for a CD with Multiboot, Linux, gzip, xz, lzo", whole, core)
    for line in output(os.path.join(TOP, "tools", "size-report"), os.path.join(TOP, "build")).splitlines():
        found = re.match(r"\s*(\d+)\s+(\d+) (decompressors|resident layers|own)", line)
        if found and found[3] == "own":
            table.row("the stage without decompressors and layers, packed; GRUB's core with Multiboot alone",
                      int(found[2]), grub_core("biosdisk", "iso9660", "multiboot", "configfile"), limit=1,
                      short="the stage without decompressors and layers; GRUB's core with Multiboot alone")
        elif found:
            table.row(f"{found[3]}, packed", int(found[2]), None)
    common = try_to(fetched, "syslinux-common", "usr/lib/syslinux/modules/bios")
    isolinux = try_to(fetched, "isolinux", "usr/lib/ISOLINUX/isolinux.bin")
    peer = isolinux
    if isinstance(common, str) and isinstance(isolinux, str):
        peer = size(isolinux) + sum(size(os.path.join(common, name))
                                    for name in ("ldlinux.c32", "libcom32.c32", "mboot.c32"))
    table.row("the stage; isolinux with mboot.c32 (no decompressors, no layer)", whole, peer)
    packed = try_to(fetched, "xen-hypervisor-4.17-amd64", "boot/xen-4.17-amd64.gz")
    unpacked = packed
    if isinstance(packed, str):
        unpacked = len(subprocess.run(["gzip", "-dc", packed], stdout=subprocess.PIPE, check=True).stdout)
        packed = size(packed)
    table.row("the stage's file; Xen's, packed", whole, packed, limit=1,
              short="the stage's file in bytes; Xen's, packed")
    table.row("the 64-bit layer unpacked; Xen unpacked", size(os.path.join(TOP, "build", "resident64.bin")),
              unpacked, limit=1)


def memory(table):
    table.section("Memory that the machine has and a PV guest does not get", "KiB", "Xen 4.17")
    for name, size in (("64M", 64 * MIB), ("1G", GIB), ("64G", 64 * GIB)):
        ours = size // 1024 - values(stage(work("small.elf"), "pv", memory=name))["pages"] * 4
        theirs = try_to(xen, work("small.elf"), words="bootscrub=0", memory=name, limit=400,
                        until=r"pages=0x[0-9a-f]+")
        if isinstance(theirs, str):
            theirs = size // 1024 - values(theirs)["pages"] * 4
        table.row(f"of {name}iB", ours, theirs, limit=1, short=f"KiB of {name}iB that a PV guest does not get; Xen")

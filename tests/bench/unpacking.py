# SPDX-License-Identifier: GPL-2.0-or-later
"""Part of the benchmark: unpacking, beside Xen, of the same streams."""
import os
import struct
import subprocess
import sys

from machine import Missing, counts, kernel, phases, stage, try_to, work, xen, xen_image

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from image_tools import bzimage, vmlinux_of  # noqa: E402

# As Linux's build packs its kernels.
PACKERS = {"gzip": "gzip -n -9", "bzip2": "bzip2 -9", "lzma": "lzma -9",
           "xz": "xz --check=crc32 --x86 --lzma2=dict=32MiB", "lzo": "lzop -9", "lz4": "lz4 -l -9 - -",
           "zstd": "zstd -22 --ultra"}
XEN_BASE = 0xFFFF82D040000000  # its virtual address of physical 0


def repacked(vmlinux, newer_than):
    """bzImages of the same vmlinux by compressor."""
    images = {}
    for name, packer in PACKERS.items():
        image = images[name] = work(f"bzimage-{name}")
        if os.path.exists(image) and os.path.getmtime(image) > os.path.getmtime(newer_than):
            continue
        data = subprocess.run(packer.split(), input=vmlinux, stdout=subprocess.PIPE, check=True).stdout
        with open(image + ".new", "wb") as file:
            file.write(bzimage(data + (b"" if name == "gzip" else struct.pack("<I", len(vmlinux)))))
        os.replace(image + ".new", image)
    return images


def ours(image):
    return phases(stage(image, "pvh", log="debug", words="plan console=com1", limit=900,
                        until=r"debug: phase open took \d+ ticks"))["open"]


def call_behind(data, at):
    """Where the first near call behind `at` returns to."""
    for at in range(at, at + 64):
        if data[at] == 0xE8:
            target = at + 5 + struct.unpack_from("<i", data, at + 1)[0]
            if 0 < target < len(data):
                return at + 5
    raise Missing("this Xen's code has another form")


def around_xens():
    """Marks in front of and behind the call that opens dom0's kernel: the next after a message of its own."""
    with open(xen_image(), "rb") as file:
        data = file.read()
    offset, _, start = struct.unpack_from("<III", data, struct.unpack_from("<I", data, 28)[0] + 4)
    text = data.rfind(b"\0", 0, max(data.find(b"*** Building a PV Dom"), 0)) + 1
    at = data.find(b"\x48\x8d\x3d")  # lea rdi, [rip + …]
    while at > 0 and at + 7 + struct.unpack_from("<i", data, at + 3)[0] != text:
        at = data.find(b"\x48\x8d\x3d", at + 1)
    if not text or at < 0:
        raise Missing("this Xen has no such message")
    before = call_behind(data, at)
    behind = call_behind(data, before)
    return [f"{name}:{place:x}-{place + 1:x}" for name, place in
            (("before", XEN_BASE + start - offset + before), ("behind", XEN_BASE + start - offset + behind))]


def theirs(image):
    found = counts(xen(image, marks=around_xens(), words="dom0_mem=300M", limit=900))
    return found["behind"] - found["before"]


def unpacking(table):
    image = kernel("cloud-amd64")
    vmlinux = vmlinux_of(image)
    table.section("Unpacking, instructions a byte of output", "instructions", "Xen 4.17",
                  f"The kernel of Debian's linux-image-cloud-amd64 ({len(vmlinux):,} bytes), packed by each compressor "
                  "as Linux's build does it, as bzImage.")
    for name, packed in repacked(vmlinux, image).items():
        found = [count if isinstance(count, Missing) else round(count / len(vmlinux), 2)
                 for count in (try_to(ours, packed), try_to(theirs, packed))]
        table.row(name, *found, limit=1, short=f"a byte of a kernel unpacked from {name}")

# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts of the benchmark: what the stage costs from the loader's entry to the guest's first instruction."""
import os
import re

import report
from machine import (Missing, baseline, counts, entry, entry_point, fetched, grub, kernel, phases, qemu, stage,
                     try_to, values, work, xen, xen_image, STAGE)

PAGE, MIB, GIB = 4096, 1 << 20, 1 << 30


def plain_grub(image):
    return entry(grub(["multiboot /guest"], {"guest": image}))


def load(table):
    base = baseline()
    bare = values(qemu("-kernel", work("big32.elf")))["copy"]
    table.section("A plain ELF of 64 MiB, loader's entry to guest's entry", "instructions", "bare limit",
                  "The bare limit is the same bytes copied by the best loop we know (SSE2, 1 KiB a turn).")
    small = {}
    for mode in ("native", "pvh"):
        total = entry(stage(work("big.elf"), mode)) - base
        small[mode] = entry(stage(work("small.elf"), mode)) - base
        table.row(f"{mode}: what the 64 MiB add to a guest of 10 KiB", total - small[mode], bare, limit=1.2,
                  short=f"ELF of 64 MiB by {mode}, the 64 MiB alone; bare SSE2 copy")
        table.row(f"{mode}: all, the stage's own unpacking included", total, bare)
    text = stage(work("big.elf"), "pv", log="debug", words="console=com1")
    table.row("pv64: the stage alone, without the layer's start", sum(phases(text).values()), bare)
    table.row("native, a guest of 10 KiB: nearly all is the stage unpacking itself", small["native"], None)
    for mode in ("native", "pv"):
        for name, ticks in phases(stage(work("big.elf"), mode, log="debug", words="console=com1",
                                        until=r"the steps took 0x[0-9a-f]+ ticks")).items():
            if name != "print":
                table.row(f"{mode}, phase {name}", ticks, None)
    table.section("The same ELF by others", "ours", "theirs")
    total = entry(stage(work("big.elf"), "pv")) - base
    theirs = try_to(lambda: entry(xen(work("big.elf"))) - base)
    table.row("pv64 to the guest's entry; Xen to dom0's (both measure the clock: a wait)", total, theirs,
              limit=1, short="the same by pv64 to the guest's entry; Xen to its dom0's")
    native = entry(stage(work("big.elf"), "native")) - base - small["native"]
    theirs = try_to(plain_grub, work("big32.elf"))
    if isinstance(theirs, int):
        theirs -= plain_grub(work("small32.elf"))
    table.row("native, what the 64 MiB add; GRUB, which reads them from CD through the BIOS", native, theirs)
    theirs = (entry(qemu("-kernel", work("big-pvh.elf"))) - entry(qemu("-kernel", work("small-pvh.elf"))))
    table.row("pvh, what the 64 MiB add; QEMU's PVH loader: the host puts them there",
              entry(stage(work("big.elf"), "pvh")) - base - small["pvh"], theirs)


PHASES = {"record": "parse: what the loader left", "decide": "parse: the guest, its notes, the address rule",
          "open": "decompress", "plan": "plan and its check", "build": "tables: page tables, p2m, m2p, zero page",
          "steps": "place: copy and zero"}


def debian(table):
    table.section("Debian's kernels in the stage, phase by phase (printing apart)", "instructions", "limit")
    for flavour in ("amd64", "cloud-amd64"):
        image = kernel(flavour)
        for mode in ("native", "pvh", "pv"):
            found = phases(stage(image, mode, log="debug", words="console=com1", arguments="panic=-1",
                                 until=r"the steps took 0x[0-9a-f]+ ticks"))
            for name, ticks in found.items():
                if name != "print":
                    table.row(f"{flavour}, {mode}: {PHASES.get(name, name)}", ticks, None)
            own = found["record"] + found["decide"] + found["plan"]
            own += found["build"] if mode != "pv" else 0
            table.row(f"{flavour}, {mode}: all but copy, zero, decompress" +
                      (", tables (a limit of their own)" if mode == "pv" else ""), own, 300000, limit=1,
                      short=f"Debian's kernel by {mode}: parse and plan; limit" if flavour == "amd64" else None)


def sparse(size):
    path = work(f"ramdisk{os.getpid()}")
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def growth(table):
    table.section("Growth with the ramdisk, loader's entry to guest's entry", "instructions", "limit")
    # A guest at 1 MiB: above that QEMU puts the ramdisk, and nothing has to stand where it is.
    plots = {"ramdisk, MiB": {}, "memory, GiB": {}}
    for mode in ("native", "pvh", "pv"):
        points = []
        for size in (1, 64, 512):
            points.append((size, entry(stage(work("low.elf"), mode, sparse(size * MIB), memory="1G")) -
                           baseline(sparse(size * MIB), memory="1G")))
            table.row(f"{mode}, {size} MiB", points[-1][1], None)
        slope = report.slope(points) * PAGE / MIB
        if mode == "pv":
            table.row("pv: instructions a page of ramdisk, fitted", round(slope, 2), 40, limit=1,
                      short="pv: instructions a page of ramdisk; limit")
        else:
            change = 100 * (points[-1][1] / points[0][1] - 1)
            table.row(f"{mode}: change from 1 to 512 MiB, percent", round(change, 3), 1, limit=1,
                      short=f"{mode}: percent more from 1 to 512 MiB of ramdisk; limit")
        plots["ramdisk, MiB"][mode] = points
    os.unlink(work(f"ramdisk{os.getpid()}"))
    table.section("Growth with memory, loader's entry to guest's entry", "instructions", "limit")
    for mode in ("native", "pvh", "pv"):
        points = []
        for size in (1, 4, 16, 64):
            memory = f"{size}G"
            points.append((size, entry(stage(work("small.elf"), mode, memory=memory)) -
                           baseline(memory=memory)))
            table.row(f"{mode}, {size} GiB", points[-1][1], None)
        if mode == "pv":
            table.row("pv: instructions a page of memory (page tables, p2m, m2p), fitted",
                      round(report.slope(points) * PAGE / GIB, 2), 12, limit=1,
                      short="pv: instructions a page of memory for page tables, p2m, m2p; limit")
        plots["memory, GiB"][mode] = points
    table.section("Growth with memory, Xen to its dom0's entry", "pv", "Xen 4.17")
    for size in (1, 4, 16):
        theirs = try_to(lambda: entry(xen(work("small.elf"), memory=f"{size}G", limit=300,
                                          words="bootscrub=0 dom0_mem=max:64G")) - baseline(memory=f"{size}G"))
        table.row(f"{size} GiB", dict(plots["memory, GiB"]["pv"])[size], theirs)
    report.plot(plots, os.path.join(table.folder, "growth.svg"))


# ---- real images -----------------------------------------------------------------------------------
def real_guests():
    """(name, file, its arguments, modules, modes, memory)"""
    def deb(package, path):
        return lambda: fetched(package, path)
    linux = "console=ttyS0 panic=-1"
    return (
        ("Debian linux-image-amd64", lambda: kernel("amd64"), linux, ("native", "pvh", "pv")),
        ("Debian linux-image-cloud-amd64", lambda: kernel("cloud-amd64"), linux, ("native", "pvh", "pv")),
        ("Debian linux-image-686-pae", lambda: kernel("686-pae", "i386"), linux, ("native", "pvh")),
        ("gnumach-image-1.8-486", deb("gnumach-image-1.8-486:i386", "boot/gnumach-1.8-486.gz"), "",
         ("native",)),
        ("memtest86+x64.bin", deb("memtest86+", "boot/memtest86+x64.bin"), "", ("native",)),
        ("memtest86+ia32.bin", deb("memtest86+", "boot/memtest86+ia32.bin"), "", ("native",)),
        ("GRUB grub-x86_64-xen.bin", deb("grub-xen-host", "usr/lib/grub-xen/grub-x86_64-xen.bin"), "",
         ("pv",)),
        ("GRUB grub-i386-xen.bin", deb("grub-xen-host", "usr/lib/grub-xen/grub-i386-xen.bin"), "", ("pv",)),
        # As GRUB's `multiboot` does; by Multiboot 2 each loader puts it where it likes.
        ("Debian xen-4.17-amd64.gz", deb("xen-hypervisor-4.17-amd64", "boot/xen-4.17-amd64.gz"), "",
         ("native,multiboot1",)),
    )


def place(name, address):
    return f"{name}:{address:x}-{address + 1:x}"


def ours(image, mode, arguments):
    """(instructions from the stage's entry to the guest's, the guest's entry)"""
    text = stage(image, mode, log="info", words="console=com1", arguments=arguments, limit=300,
                 until=r"paravane: entering \w+ at 0x[0-9a-f]+")
    address = int(re.search(r"entering \w+ at (0x[0-9a-f]+)", text)[1], 16)
    found = counts(stage(image, mode, arguments=arguments, limit=300,
                         marks=("loader:" + entry_point(STAGE), place("guest", address))))
    return found["guest"] - found["loader"], address


def linux_image(path):
    with open(path, "rb") as file:
        return file.read(0x206)[0x202:0x206] == b"HdrS"


def qemus_own(image, arguments):
    """QEMU's loader of Linux kernels, less what it costs to start a Multiboot kernel of 10 KiB."""
    base = counts(qemu("-kernel", work("small32.elf"), marks=("guest:" + entry_point(work("small32.elf")),)))
    found = counts(qemu("-kernel", image, "-append", arguments or "x", marks=(place("guest", 0x100000),)))
    return found["guest"] - base["guest"]


def by_grub(image, arguments, address):
    """From GRUB's boot sector to the guest's entry; GRUB reads the CD through the BIOS."""
    verb = "linux" if linux_image(image) else "multiboot"
    marks = ("loader:7c00-7c01", place("guest", address))
    found = counts(grub([f"{verb} /guest {arguments}"], {"guest": image}, marks=marks))
    return found["guest"] - found["loader"]


def real(table):
    table.section("Real images, loader's entry to the guest's first instruction", "instructions", "peer",
                  "QEMU's own loader has the host read the file; GRUB reads it from a CD through the BIOS, "
                  "which is most of its count.")
    for name, find, arguments, modes in real_guests():
        image = try_to(find)
        if isinstance(image, Missing):
            table.row(name, None, image)
            continue
        for mode in modes:
            found = try_to(ours, image, mode, arguments)
            if isinstance(found, Missing):
                table.row(f"{name}, {mode}", found, None)
                continue
            mine, address = found
            if mode == "pv" and "amd64" in name:
                marks = ("loader:" + entry_point(xen_image()), place("guest", address))
                peer = try_to(lambda: counts(xen(image, arguments=arguments, limit=400, marks=marks,
                                                 words="dom0_mem=400M")))
                peer = peer["guest"] - peer["loader"] if isinstance(peer, dict) else peer
                table.row(f"{name}, {mode}; Xen to its dom0's", mine, peer, limit=1)
                continue
            if not mode.startswith("native"):
                table.row(f"{name}, {mode}", mine, None)
                continue
            if linux_image(image):
                table.row(f"{name}, {mode}; QEMU's own loader", mine, try_to(qemus_own, image, arguments))
            table.row(f"{name}, {mode}; GRUB", mine, try_to(by_grub, image, arguments, address))

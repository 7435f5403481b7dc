# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts of the benchmark: what the resident layer costs a guest that runs."""
import concurrent.futures
import importlib.machinery
import importlib.util
import os
import re
import sys

from machine import (STAGE, TOP, Missing, counts, entry_point, kernel, stage, try_to, values,
                     values_or_none, work, xen, xen_image)

RUNS = 3  # of what is measured in time
# QEMU 7.2 reads the frame of an IRETQ at level 3 as the supervisor: with SMAP, which Xen switches on, Linux
# as its dom0 dies of that.  All four machines of that table are without.
WITHOUT_SMAP = "max,-smap"
NOT_COSTS = ("pv entry tsc", "pages", "events delivered", "userspace tsc", "init done")


def costs(found):
    return [name for name in found if name not in NOT_COSTS]


def primitives(table):
    ours = values(stage(work("small.elf"), "pv"))
    theirs = values_or_none(try_to(xen, work("small.elf")))
    table.section("The interface's primitives, 64-bit kernel", "instructions", "Xen 4.17")
    for name in costs(ours):
        table.row(name, ours[name], theirs.get(name), limit=1, short=name)
    narrow = values(stage(work("small-pae.elf"), "pv"))
    table.section("The same for a 32-bit PAE kernel (Debian's Xen runs none)", "pv32pae", "pv64",
                  "Its context switch loads the same root again: such a guest has one root for both rings.")
    for name in costs(narrow):
        table.row(name, narrow[name], ours.get(name))


def smp(table):
    two = {"options": ("-smp", "2"), "arguments": "smp", "limit": 400}
    ours = values(stage(work("small.elf"), "pv", **two))
    theirs = try_to(xen, work("small.elf"), **two)
    table.section("Two vCPUs, instructions of both together", "instructions", "Xen 4.17",
                  "" if isinstance(theirs, str) else f"Xen: {theirs}")
    for name in costs(ours):
        table.row(name, ours[name], values_or_none(theirs).get(name), limit=1, short=name)
    parallel(table)


def parallel(table):
    """Wall-clock time as the guest's TSC has it, the least of RUNS: the only rows that are no counts."""
    image, disk = kernel("amd64"), ramdisk("work")
    table.section("A fixed parallel workload (8 processes: arithmetic, fresh memory, forks), Debian's kernel",
                  "million ticks", "native",
                  f"Time, not instructions: QEMU's MTTCG, the least of {RUNS} runs in turn, and so a matter of the machine "
                  f"and its load.  It has {os.cpu_count()} CPUs: beyond that many vCPUs nothing can become faster.")
    for cpus in (1, 2, 4):
        machine = {"options": ("-smp", str(cpus)), "clock": ("-accel", "tcg,thread=multi"),
                   "until": r"(init done|failed)=\d+", "limit": 500, "memory": "512M"}
        found = {"native": [], "pv": []}
        for _ in range(RUNS):  # in turn, so that a busy spell does not meet one of them alone
            for mode, console in (("native", "ttyS0"), ("pv", "hvc0")):
                text = try_to(stage, image, mode, disk, arguments=f"console={console} quiet panic=-1 work",
                              **machine)
                found[mode].append(text if isinstance(text, Missing) else
                                   values(text)["parallel work"] // 1000000)
        for mode, times in found.items():
            found[mode] = min((t for t in times if not isinstance(t, Missing)), default=times[0])
        table.row(f"pv; native, {cpus} vCPU{'s' if cpus > 1 else ''}", found["pv"], found["native"])


def ramdisk(name):
    loader = importlib.machinery.SourceFileLoader("mkinitrd", os.path.join(TOP, "tests", "mkinitrd"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mkinitrd", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    archive = module.Archive()
    archive.add("dev", module.DIRECTORY)
    archive.add("dev/console", module.DEVICE, device=(5, 1))
    with open(work("init"), "rb") as file:
        archive.add("init", module.FILE, file.read())
    archive.add("TRAILER!!!", 0)
    path = work(f"{name}.cpio")
    with open(path, "wb") as file:
        file.write(archive.data)
    return path


def boot(table):
    image, disk = kernel("amd64"), ramdisk("init")
    user = re.sub("-.*", "", entry_point(work("init")))

    def measure(name):
        run, loader, console = ((xen, xen_image(), "hvc0") if name == "xen" else
                                (stage, STAGE, "hvc0" if name == "pv" else "ttyS0"))
        mode, words = ((), "dom0_mem=400M") if name == "xen" else ((name,), "")
        marks = ("loader:" + entry_point(loader), f"userspace:{user}-{int(user, 16) + 1:x}")
        return try_to(run, image, *mode, disk, arguments=f"console={console} quiet panic=-1", marks=marks,
                      until=r"(init done|failed)=\d+", limit=900, words=words, cpu=WITHOUT_SMAP)

    # Counts do not mind company.
    names = ("native", "pvh", "pv", "xen")
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        found = dict(zip(names, pool.map(measure, names)))
    for name, text in found.items():
        if isinstance(text, Missing):
            print(f"bench: boot {name}: {text}", file=sys.stderr)
    executed = {}
    for name, text in found.items():
        reached = counts(text) if isinstance(text, str) else {}
        executed[name] = reached["userspace"] - reached["loader"] if reached else text
    table.section("Debian's kernel (xz) to its first instruction in userspace, from the loader's entry",
                  "instructions", "peer", "Executed instructions, waits apart, the kernel's unpacking included: "
                  "natively the kernel unpacks itself, else the stage or Xen does it.")
    table.row("pv; native", executed["pv"], executed["native"], limit=1.15,
              short="Debian's kernel to userspace by pv; native")
    table.row("pvh; native", executed["pvh"], executed["native"])
    for mode in ("native", "pvh", "pv"):
        table.row(f"{mode}; dom0 of Xen", executed[mode], executed["xen"], limit=1,
                  short="Debian's kernel to userspace by pv; dom0 of Xen" if mode == "pv" else None)
    numbers = {name: values_or_none(text) for name, text in found.items()}
    for peer, title in (("xen", "Xen 4.17"), ("native", "native")):
        table.section(f"What programs do, in Debian's kernel: pv beside {'dom0 of Xen' if peer == 'xen' else peer}",
                      "instructions", title)
        for name in costs(numbers["pv"]):
            table.row(name, numbers["pv"][name], numbers[peer].get(name), limit=1 if peer == "xen" else None,
                      short=f"{name}, in Debian's kernel" if peer == "xen" else None)

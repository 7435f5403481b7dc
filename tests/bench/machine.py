# SPDX-License-Identifier: GPL-2.0-or-later
"""One machine of the benchmark: QEMU with instructions counted, what it printed, when it got where.

Two clocks: with -icount the TSC counts instructions, and waits too, a nanosecond each; count.so counts the
instructions that were executed up to a place, waits apart."""
import os
import re
import resource
import subprocess
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(TOP, "build", "bench")
STAGE = os.path.join(TOP, "build", "paravane.elf")
VALUE = re.compile(r"^bench: ([^=\n]+)=(0x[0-9a-f]+|\d+)\r*$", re.M)
PHASE = re.compile(r"debug: phase (\w+) took (\d+) ticks")
STEPS = re.compile(r"debug: the steps took (0x[0-9a-f]+) ticks")
COUNT = re.compile(r"count: (\w+)=(\d+)$", re.M)
PRINTED = r"copy=0x[0-9a-f]+|events delivered=0x[0-9a-f]+"
HOPELESS = re.compile(r"Panic on CPU.*\n.*\n|Kernel panic|Hardware Dom0 |paravane: halted|bench: failed")
COUNTED = ("-icount", "shift=0,sleep=off")


class Missing(Exception):
    """What cannot be measured here, and why."""


def work(name):
    return os.path.join(WORK, name)


def output(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Missing(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{command[0]} fails")
    return done.stdout.strip()


def fetched(package, path):
    return os.path.join(output(os.path.join(TOP, "tools", "fetch-deb"), package), path)


def kernel(*flavour):
    return output(os.path.join(TOP, "tools", "debian-kernel"), *flavour)


def limits(seconds):
    """Processor time, so that a busy machine fails no row."""
    return lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def qemu(*arguments, memory="512M", until=None, limit=150, marks=(), clock=COUNTED, cpu="max"):
    """What one machine prints up to the line `until`.  `marks` are NAME:START-END of virtual addresses in
    hexadecimal: it says in lines `count: ` when they are reached; without `until` it ends at the last of them."""
    command = ["qemu-system-x86_64", "-cpu", cpu, "-m", memory, "-object",
               f"memory-backend-ram,id=ram,size={memory},reserve=off",  # more than this machine has
               "-machine", "memory-backend=ram", "-nodefaults", "-display", "none",
               "-serial", "stdio", "-no-reboot", *clock,
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *arguments]
    if marks:
        command += ["-plugin", ",".join([work("count.so"), *(f"at={mark}" for mark in marks)])]
        until = until or rf"count: {marks[-1].split(':')[0]}=\d+"
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT if marks else subprocess.DEVNULL,
                               preexec_fn=limits(limit))
    watch = threading.Timer(20 * limit, process.kill)  # one that sleeps uses no processor time
    watch.start()
    stop, text = re.compile(f"(?:{until or PRINTED})" + r"\r*\n"), ""
    try:
        for line in process.stdout:
            text += line.decode("latin-1")
            if stop.search(text, max(0, len(text) - 400)) or HOPELESS.search(text, max(0, len(text) - 400)):
                break
    finally:
        watch.cancel()
        process.kill()
        process.wait()
    if not stop.search(text):
        ends = re.search(r"refused: .*|Kernel panic.*|Panic on CPU.*\n.*|bench: failed.*|"
                         r"Hardware Dom0 (?:crashed|halted)", text)
        last = ends[0] if ends else (text.strip().splitlines() or ["no output"])[-1]
        last = " ".join(last.replace("(XEN)", "").split())
        raise Missing(f"{'does not boot' if ends else 'not reached'}: {last[:100]}")
    return text


def values(text):
    return {name: int(value, 0) for name, value in VALUE.findall(text)}


def counts(text):
    """The first count of the first mark, else the last of each: what a loader does before may come by."""
    found = {}
    for name, count in COUNT.findall(text):
        if name != "loader" or name not in found:
            found[name] = int(count)
    return found


def entry(text):
    """TSC at the first instruction of the benchmark guest."""
    found = values(text)
    return found.get("plain entry tsc", found.get("pv entry tsc"))


def modules(guest, arguments, more):
    """QEMU's -initrd; a comma in arguments is doubled."""
    return ",".join([f"{guest} {arguments}".strip().replace(",", ",,"), *more])


def stage(guest, mode, *ramdisk, log="quiet", words="", arguments="", options=(), **machine):
    return qemu("-kernel", STAGE, "-initrd", modules(guest, arguments, ramdisk), "-append",
                f"mode={mode} debug-exit=0xf4 log={log} {words}", *options, **machine)


def xen_image():
    image = work("xen")
    if not os.path.exists(image):
        with open(image + ".new", "wb") as file:
            subprocess.run(["gzip", "-dc", fetched("xen-hypervisor-4.17-amd64", "boot/xen-4.17-amd64.gz")],
                           stdout=file, check=True)
        os.replace(image + ".new", image)
    return image


def xen(guest, *ramdisk, words="dom0_mem=128M", arguments="", options=(), **machine):
    return qemu("-kernel", xen_image(), "-initrd", modules(guest, arguments, ramdisk), "-append",
                f"com1=115200,8n1 console=com1 {words}", *options, **machine)


def entry_point(image):
    """`START-END` of an ELF file's entry, as a mark takes it."""
    address = int(re.search(r"Entry point address:\s*(0x[0-9a-f]+)", output("readelf", "-h", image))[1], 16)
    return f"{address:x}-{address + 1:x}"


def baseline(*ramdisk, **machine):
    """TSC at the entry of a Multiboot kernel of 10 KiB: firmware and QEMU's option ROM."""
    more = ["-initrd", ",".join(ramdisk)] if ramdisk else []
    return entry(qemu("-kernel", work("small32.elf"), *more, **machine))


def grub(lines, files, limit=300, **machine):
    """A machine that boots a CD whose GRUB runs `lines`; `files` are its files by name."""
    folder = work(f"iso{os.getpid()}")
    subprocess.run(["rm", "-rf", folder], check=True)
    os.makedirs(os.path.join(folder, "boot", "grub"))
    for name, path in files.items():
        subprocess.run(["cp", path, os.path.join(folder, name)], check=True)
    with open(os.path.join(folder, "boot", "grub", "grub.cfg"), "w") as file:
        file.write("\n".join(["terminal_output console", *lines, "boot", ""]))
    output("grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", folder + ".iso", folder)
    try:
        return qemu("-cdrom", folder + ".iso", limit=limit, **machine)
    finally:
        subprocess.run(["rm", "-rf", folder, folder + ".iso"], check=True)


def phases(text):
    found = {}
    for name, ticks in PHASE.findall(text):
        found[name] = found.get(name, 0) + int(ticks)
    steps = STEPS.search(text)
    if steps:
        found["steps"] = int(steps[1], 16)
    return found


def try_to(measure, *arguments, **more):
    """What it returns, or the Missing that says why not."""
    try:
        return measure(*arguments, **more)
    except Missing as why:
        return why


def values_or_none(text):
    return values(text) if isinstance(text, str) else {}

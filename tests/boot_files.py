# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that boot tests name, made or fetched when they are wanted: find_file says how they are named."""
import glob
import hashlib
import os
import re
import shutil
import struct
import subprocess
import threading
import zlib

from image_tools import bzimage, vmlinux_of

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
BUILD = os.path.join(TOP, "build")
WORK = os.path.join(BUILD, "tests")
make_lock = threading.Lock()


class Skip(Exception):
    """Something that the test needs cannot be had; the reason."""


class Broken(Exception):
    """The test itself, or its environment, is wrong."""


def command(*words, **options):
    """Runs a helper, gives its output; status 77 is a skip with its last line as reason."""
    done = subprocess.run(words, capture_output=True, text=True, cwd=TOP, **options)
    if done.returncode == 77:
        raise Skip((done.stderr.strip().splitlines() or [words[0]])[-1])
    if done.returncode:
        raise Broken(f"{' '.join(words)}: {done.stderr.strip()[-400:]}")
    return done.stdout.strip()


def fresh(path, *sources):
    """True when path is younger than all sources."""
    return os.path.exists(path) and all(
        os.path.getmtime(path) > os.path.getmtime(s) for s in sources)


def made(path, sources, write):
    """path; when it is older than a source, write(file) makes it anew."""
    if not fresh(path, *sources):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "wb") as file:
            write(file)
        os.replace(path + ".new", path)
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def find_file(token):
    """The path of a file as tests.cfg names it.

    stage; guest:NAME; debian:FLAVOUR[:ARCH] (its vmlinuz); deb:PACKAGE[:ARCH]//PATH;
    debian-root:FILE (disk.img, vmlinuz, initrd.img of a whole Debian); installed:disk.img (of that
    Debian with our package, tests/install-deb); initrd[:SCRIPT],
    initrd32[:SCRIPT] (32-bit programs; tests/scripts/SCRIPT); blob:SIZE (a file of known content);
    bad:NAME (tests/bad-images);
    gz|xz|bz2|lzma|lz4|lz4l|zst|lzo:TOKEN (that file, compressed); vmlinux:TOKEN (what a bzImage unpacks to);
    bzimage:PACKER:TOKEN (a bzImage with that payload); cut:TOKEN, spoiled:TOKEN (a third is missing, some bytes in the
    middle are others); unpack:TOKEN (without its gzip); anything else is a path."""
    with make_lock:
        return make_file(token)


def make_file(token):
    kind, _, rest = token.partition(":")
    return MAKERS[kind](kind, rest) if kind in MAKERS else os.path.join(TOP, token)


def packed(source, suffix):
    return os.path.join(WORK, "packed", f"{os.path.basename(source)}.{suffix}")


def make_stage_pvh(_kind, _rest):
    """QEMU takes the PVH note only of a file without a Multiboot header: the same file with the
    header's magic blanked."""
    stage = os.path.join(BUILD, "paravane.elf")

    def write(file):
        data = bytearray(content(stage))
        for at in range(0, 8192, 4):
            magic, flags, checksum = struct.unpack_from("<III", data, at)
            if magic == 0x1BADB002 and (magic + flags + checksum) & 0xFFFFFFFF == 0:
                struct.pack_into("<I", data, at, 0)
        file.write(data)
    return made(os.path.join(WORK, "paravane-pvh.elf"), [stage, __file__], write)


def make_deb(_kind, rest):
    package, _, path = rest.partition("//")
    return os.path.join(command("tools/fetch-deb", package), path)


def make_initrd(kind, script_name):
    """With what the script's own lines ask for: words_of."""
    path = os.path.join(WORK, f"{kind}{'-' + script_name if script_name else ''}.cpio")
    sources = [os.path.join(HERE, "init.sh"), os.path.join(HERE, "mkinitrd")]
    options = []
    if script_name:
        script = os.path.join(HERE, "scripts", script_name)
        sources.append(script)
        options.append(f"--script={script}")
        modules = words_of(script, "modules")
        if modules:  # of Debian's amd64 kernel
            options.append("--modules-of=" + os.path.join(
                os.path.dirname(command("tools/debian-kernel", "amd64")), "../lib/modules"))
            options += [f"--module={name}" for name in modules]
        added = [(build_program(name), name) for name in words_of(script, "programs")]
        for word in words_of(script, "files"):
            token, _, name = word.partition("=")
            added.append((make_file(token), name))
        sources += [file for file, _ in added]
        options += [f"--add={file}={name}" for file, name in added]
    if kind == "initrd32":
        package = command("tools/fetch-deb", "busybox-static:i386")
        options.append("--busybox=" + os.path.join(package, "bin/busybox"))
    if not fresh(path, *sources):
        command("tests/mkinitrd", *options, path)
    return path


def make_blob(_kind, rest):
    size = int(rest)
    path = os.path.join(WORK, f"blob-{size}")
    if not os.path.exists(path) or os.path.getsize(path) != size:
        data = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(size // 32 + 1))
        with open(path, "wb") as file:
            file.write(data[:size])
    return path


def make_packed(kind, rest):
    source = make_file(rest)
    if not shutil.which(PACKERS[kind][0]):
        raise Skip(f"no {PACKERS[kind][0]}")

    def write(out):
        with open(source, "rb") as file:
            subprocess.run(PACKERS[kind], stdin=file, stdout=out, check=True)
    return made(packed(source, kind), [source], write)


def make_bzimage(_kind, rest):
    """Of what is compressed once at least."""
    source = make_file(rest)
    packer, _, inner = re.sub(f"^({'|'.join(SPOILERS)}):", "", rest).partition(":")

    def write(out):
        size = b"" if packer == "gz" else struct.pack("<I", os.path.getsize(make_file(inner)))
        out.write(bzimage(content(source) + size))
    return made(packed(source, "bzimage"), [source], write)


def make_spoiled(kind, rest):
    source = make_file(rest)
    return made(packed(source, kind), [source], lambda out: out.write(SPOILERS[kind](content(source))))


def make_vmlinux(_kind, rest):
    source = make_file(rest)
    return made(packed(source, "vmlinux"), [source], lambda out: out.write(vmlinux_of(source)))


def make_unpacked(_kind, rest):
    source = make_file(rest)
    return made(packed(source, "plain"), [source],
                lambda out: subprocess.run(["gzip", "-dc", source], stdout=out, check=True))


def words_of(script, what):
    """What the script's lines `# programs: NAME…` (`# modules:`, `# files: TOKEN=NAME…`) ask for."""
    with open(script) as file:
        return " ".join(re.findall(rf"^# {what}: (.*)$", file.read(), re.M)).split()


def build_program(name):
    """A static program of tests/user: NAME, or NAME64 and NAME32 for a width."""
    base, width = re.fullmatch(r"(.*?)(32|64)?", name).groups()
    source = os.path.join(HERE, "user", base + ".c")
    path = os.path.join(WORK, "user", name)
    if not fresh(path, source, *glob.glob(os.path.join(HERE, "user", "*.h"))):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        command(os.environ.get("CC", "gcc"), f"-m{width or 64}", "-std=gnu11", "-O1", "-Wall",
                "-Wextra", "-Werror", "-static", "-pthread", source, "-o", path)
    return path


PACKERS = {"gz": ["gzip", "-9nc"], "xz": ["xz", "--check=crc32", "-c"], "bz2": ["bzip2", "-c"],
           "lzma": ["lzma", "-c"], "lz4": ["lz4", "-c"], "lz4l": ["lz4", "-l", "-c"],
           "zst": ["zstd", "-qc"], "lzo": ["lzop", "-c"]}

SPOILERS = {"cut": lambda data: data[:len(data) * 2 // 3],
            "spoiled": lambda data: data[:len(data) // 2] + b"\xff" * 64 + data[len(data) // 2 + 64:]}


MAKERS = {
    "stage": lambda _kind, _rest: os.path.join(BUILD, "paravane.elf"),
    "stage-pvh": make_stage_pvh,
    "guest": lambda _kind, rest: os.path.join(WORK, "guests", rest + ".elf"),
    "bad": lambda _kind, rest: os.path.join(WORK, "bad", rest),
    "debian": lambda _kind, rest: command("tools/debian-kernel", *rest.split(":")),
    "debian-root": lambda _kind, rest: os.path.join(command("tools/debian-root"), rest),
    "installed": lambda _kind, rest: os.path.join(command("tests/install-deb"), rest),
    "deb": make_deb,
    "initrd": make_initrd,
    "initrd32": make_initrd,
    "blob": make_blob,
    "bzimage": make_bzimage,
    "vmlinux": make_vmlinux,
    "unpack": make_unpacked,
    **dict.fromkeys(PACKERS, make_packed),
    **dict.fromkeys(SPOILERS, make_spoiled),
}


def numbers_in(text):
    """{file:TOKEN} is that file's path; {crc:TOKEN}, {size:TOKEN} and {md5:TOKEN} are of its real
    content, the first two in our guests' form."""
    def replace(match):
        path = find_file(match.group(2))
        if match.group(1) == "file":
            return path
        with open(path, "rb") as file:
            data = file.read()
        return {"crc": lambda: f"0x{zlib.crc32(data):08x}", "size": lambda: f"0x{len(data):x}",
                "md5": lambda: hashlib.md5(data).hexdigest()}[match.group(1)]()
    return re.sub(r"\{(crc|size|md5|file):([^}]+)\}", replace, text)

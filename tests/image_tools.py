# SPDX-License-Identifier: GPL-2.0-or-later
"""Making and changing kernels and loaders' information, for tests that want them wrong in one way.

Used by bad-images (files for the boot tests) and by refusals (the host tool's tests).
"""
import struct
import subprocess


class Elf:
    """A file of ours with its program headers at hand (ELF32 and ELF64)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        self.wide = self.data[4] == 2
        self.phoff = self.get("<Q", 32) if self.wide else self.get("<I", 28)

    def get(self, form, at):
        return struct.unpack_from(form, self.data, at)[0]

    def put(self, form, at, value):
        struct.pack_into(form, self.data, at, value)
        return self

    def field(self, index, name):
        """(format, offset) of a program header's field."""
        at = self.phoff + index * (56 if self.wide else 32)
        where = {"offset": 8, "vaddr": 16, "paddr": 24, "filesz": 32, "memsz": 40} if self.wide \
            else {"offset": 4, "vaddr": 8, "paddr": 12, "filesz": 16, "memsz": 20}
        return "<Q" if self.wide else "<I", at + where[name]

    def segment(self, index, name, value):
        form, at = self.field(index, name)
        return self.put(form, at, value)


def replace_once(data, old, new):
    assert data.count(old) == 1 and len(old) == len(new), (old, data.count(old))
    return bytes(data).replace(old, new)


def bzimage(payload, claimed=None, code32=0x100000, sectors=1):
    """The least bzImage: one setup sector, the payload right behind; protocol 2.12."""
    setup = bytearray(1024)
    struct.pack_into("<B", setup, 0x1F1, sectors)
    struct.pack_into("<H", setup, 0x1FE, 0xAA55)
    setup[0x200:0x206] = b"\xeb\x6aHdrS"
    struct.pack_into("<HB", setup, 0x206, 0x020C, 0)
    struct.pack_into("<B", setup, 0x211, 1)
    struct.pack_into("<I", setup, 0x214, code32)
    struct.pack_into("<IB", setup, 0x230, 0x1000, 1)
    struct.pack_into("<IIIQQI", setup, 0x238, 255, 0, 0, 0, 0, 0)
    struct.pack_into("<II", setup, 0x248, 0, len(payload) if claimed is None else claimed)
    struct.pack_into("<QI", setup, 0x258, 0x100000, len(payload) * 8)
    return bytes(setup) + payload


def vmlinux_of(path):
    """What a bzImage's payload unpacks to."""
    with open(path, "rb") as file:
        data = file.read()
    offset, size = struct.unpack_from("<II", data, 0x248)
    start = (1 + data[0x1F1]) * 512 + offset
    packed = data[start:start + size]
    tools = {b"\x1f\x8b": "gzip", b"\x02\x21": "lz4", b"\xfd7": "xz", b"\x28\xb5": "zstd"}
    tool = tools[packed[:2]]
    return subprocess.run([tool, "-dc"], input=packed if tool == "gzip" else packed[:-4], stdout=subprocess.PIPE,
                          check=True).stdout


def note(kind, desc, owner=b"Xen\0"):
    """One ELF note: desc as a number of 8 bytes, a text, or bytes."""
    if isinstance(desc, str):
        desc = desc.encode() + b"\0"
    elif isinstance(desc, int):
        desc = struct.pack("<Q", desc)
    return struct.pack("<III", len(owner), len(desc), kind) + owner + desc + b"\0" * (-len(desc) % 4)


def elf(loads, notes=b"", entry=None, wide=True, machine=None):
    """An ELF with one page of code for each load (p_paddr, or p_paddr and p_memsz), and notes."""
    page = 0x1000
    count = len(loads) + bool(notes)
    first = -(-(64 + 56 * count) // page) * page
    heads, at = [], first
    for load in loads:
        paddr, size = load if isinstance(load, tuple) else (load, page)
        heads.append((1, 7, at, paddr, paddr, min(page, size), size, page))
        at += page
    if notes:
        heads.append((4, 4, at, 0, 0, len(notes), len(notes), 4))
    entry = heads[0][3] if entry is None and heads else entry or 0
    ident = struct.pack("<4sBBB9x", b"\x7fELF", 2 if wide else 1, 1, 1)
    head = ident + struct.pack("<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH", 2,
                               machine or (62 if wide else 3), 1, entry, 64 if wide else 52, 0, 0,
                               64 if wide else 52, 56 if wide else 32, count, 64 if wide else 40, 0, 0)
    for kind, flags, offset, vaddr, paddr, filesz, memsz, align in heads:
        head += struct.pack("<IIQQQQQQ", kind, flags, offset, vaddr, paddr, filesz, memsz, align) \
            if wide else struct.pack("<8I", kind, offset, vaddr, paddr, filesz, memsz, flags, align)
    return head.ljust(first, b"\0") + b"\xf4" * (at - first) + notes


def multiboot1(flags=0, *words):
    """A Multiboot 1 header with its checksum."""
    return struct.pack("<III", 0x1BADB002, flags, -(0x1BADB002 + flags) & 0xFFFFFFFF) + \
        struct.pack(f"<{len(words)}I", *words)


def multiboot2(*tags, architecture=0, length=None, end=True):
    """A Multiboot 2 header of tags (type, flags, words...), each padded to 8 bytes."""
    body = b"".join((struct.pack(f"<HHI{len(words)}I", kind, flags, 8 + 4 * len(words), *words))
                    .ljust(-(-(8 + 4 * len(words)) // 8) * 8, b"\0") for kind, flags, *words in tags)
    body += struct.pack("<HHI", 0, 0, 8) if end else b""
    length = 16 + len(body) if length is None else length
    return struct.pack("<IIII", 0xE85250D6, architecture, length,
                       -(0xE85250D6 + architecture + length) & 0xFFFFFFFF) + body

# SPDX-License-Identifier: GPL-2.0-or-later
"""Boot tests as tests.cfg declares them, and the QEMU command that each is."""
import configparser
import hashlib
import itertools
import os
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile

import ways_in
from boot_files import BUILD, HERE, TOP, WORK, Broken, Skip, command, find_file, fresh, make_lock, numbers_in

KEYS = {"each", "group", "boot", "guest", "modules", "stage", "memory", "cpu", "smp",
        "qemu", "expect", "forbid", "exit", "timeout", "cell", "loader", "files", "machine", "skip",
        "cpus-told", "x2apic", "holes", "one-file", "stutter", "pace"}
FIRMWARE = {
    "x64": ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    "ia32": ("/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF32_VARS_4M.fd"),
}


def make_madt(cpus):
    """An ACPI table that tells of so many CPUs (APIC ids 0 up), whatever there is (ACPI 6.5 5.2.12)."""
    path = os.path.join(WORK, f"madt-{cpus}")
    body = struct.pack("<II", 0xfee00000, 1)
    for cpu in range(cpus):
        body += struct.pack("<BBBBI", 0, 8, cpu, cpu, 1)
    body += struct.pack("<BBBBII", 1, 12, 0, 0, 0xfec00000, 0) + struct.pack("<BBBBIH", 2, 10, 0, 0, 2, 0)
    head = struct.pack("<4sIBB6s8sI4sI", b"APIC", 36 + len(body), 1, 0, b"PRVANE", b"TESTMADT", 1, b"TEST", 1)
    table = bytearray(head + body)
    table[9] = -sum(table) & 255
    os.makedirs(WORK, exist_ok=True)
    with open(path, "wb") as file:
        file.write(table)
    os.utime(path, (0, 0))  # its contents follow from its name
    return path


class Test:
    def __init__(self, name, keys):
        self.name = name
        unknown = set(keys) - KEYS
        if unknown:
            sys.exit(f"run-tests: {name}: unknown keys: {', '.join(sorted(unknown))}")
        self.keys = keys
        self.groups = keys.get("group", "boot").split()
        self.timeout = float(keys.get("timeout", "60"))
        self.stutter = keys.get("stutter") == "yes"

    def lines(self, key):
        return [line.strip() for line in self.keys.get(key, "").splitlines() if line.strip()]

    def modules(self):
        """[(path, arguments)] of the guest and the further modules."""
        ret = []
        for line in ([self.keys["guest"]] if "guest" in self.keys else []) + self.lines("modules"):
            token, _, arguments = line.partition(" ")
            path = find_file(token)
            if not os.path.isfile(path):
                raise Broken(f"{token}: no file {path}")
            ret.append((path, arguments.strip()))
        return ret

    def qemu(self):
        """The whole command; makes what it names (files, media)."""
        keys = self.keys
        words = ["qemu-system-i386" if keys.get("machine") == "i386" else "qemu-system-x86_64",
                 "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
                 "-m", keys.get("memory", "128M"),
                 "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if keys.get("memory", "").endswith("G"):  # more than the host has: it is never touched
            words += ["-object", f"memory-backend-ram,id=ram,size={keys['memory']},reserve=off",
                      "-machine", "memory-backend=ram"]
        if "cpu" in keys:
            words += ["-cpu", keys["cpu"]]
        if "smp" in keys:
            words += ["-smp", keys["smp"]]
        how, _, what = keys.get("boot", "multiboot").partition(" ")
        stage = keys.get("stage", "")
        modules = self.modules()
        if how == "multiboot":    # the stage by QEMU's own Multiboot loader
            words += ["-kernel", find_file("stage"), "-append", stage]
            words += self.initrd(modules)
        elif how == "xen":        # the guest as dom0 of real Xen
            words += ["-kernel", find_file("unpack:" + what), "-append", stage]
            words += self.initrd(modules)
        elif how == "self":       # the guest by QEMU's own loader
            words += ["-kernel", modules[0][0], "-append", modules[0][1]]
            words += self.initrd(modules[1:])
        elif how == "pvh":        # the stage by QEMU's PVH loader
            words += ["-kernel", find_file("stage-pvh"), "-append", stage]
            words += self.initrd(modules)
        elif how == "iso":        # GRUB on a CD; what = multiboot or multiboot2
            words += ["-cdrom", self.iso(what or "multiboot", stage, modules)]
        elif how == "disk":       # what its boot sector brings; what = a file
            words += ["-drive", f"format=raw,snapshot=on,file={find_file(what)}"]
        elif how == "efi":        # the application, started by OVMF; what = x64 or ia32
            words += self.firmware(what)
            words += ["-drive", f"format=raw,file=fat:rw:{self.efi_volume(what, stage, modules)}"]
        elif how == "efi-iso":    # GRUB on a CD under OVMF; what = WIDTH VERB
            width, verb = what.split()
            words += self.firmware(width)
            words += ["-cdrom", self.iso(verb, stage, modules, {
                "x64": "x86_64-efi", "ia32": "i386-efi"}[width])]
        elif how == "bochs":      # GRUB on a CD, and another machine than QEMU's
            image = self.iso(what or "multiboot", stage, modules)
            with make_lock:
                try:
                    return ways_in.bochs(ways_in.folder_of(self), image,
                                         keys.get("memory", "128M"), keys.get("smp", "1"),
                                         keys.get("cpu", "corei7_sandy_bridge_2600k"))
                except ways_in.Missing as missing:
                    raise Skip(str(missing)) from None
        elif how in ways_in.WAYS:  # other loaders and media
            with make_lock:
                try:
                    words += ways_in.WAYS[how](self, what, stage, modules)
                except ways_in.Missing as missing:
                    raise Skip(str(missing)) from None
                except subprocess.CalledProcessError as failed:
                    raise Broken(f"{failed.cmd[0]}: {failed.stderr.decode()[-300:]}") from None
        else:
            raise Broken(f"boot = {how}: not known")
        if self.uses_monitor():
            words += ["-monitor", f"unix:{self.monitor()},server=on,wait=off"]
        return words + shlex.split(numbers_in(keys.get("qemu", "")))

    def uses_monitor(self):
        return any(line.startswith("! ") for line in self.lines("expect"))

    def monitor(self):
        """The socket of QEMU's monitor: a short name, as such names may have about 100 characters."""
        folder = os.path.join(WORK, "monitor")
        os.makedirs(folder, exist_ok=True)
        return os.path.join(os.path.relpath(folder, TOP),
                            hashlib.sha256(self.name.encode()).hexdigest()[:12])

    @staticmethod
    def initrd(modules):
        joined = ",".join(" ".join(m).strip().replace(",", ",,") for m in modules)
        return ["-initrd", joined] if joined else []

    @staticmethod
    def firmware(width):
        """OVMF; the 32-bit one exists for machines with SMM only."""
        code, variables = FIRMWARE[width]
        if not os.path.exists(code):
            raise Skip(f"no {code} (packages ovmf, ovmf-ia32)")
        words = ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
                 "-drive", f"if=pflash,format=raw,unit=1,snapshot=on,file={variables}",
                 "-net", "none"]
        if width == "ia32":
            words += ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]
        return words

    def efi_volume(self, width, stage, modules):
        """A folder that QEMU offers as a FAT disk: the application, paravane.conf, the files."""
        folder = os.path.join(WORK, "efi", self.name)
        with make_lock:
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(os.path.join(folder, "EFI/BOOT"))
            application = {"x64": "paravane.efi", "ia32": "paravane-ia32.efi"}[width]
            shutil.copyfile(os.path.join(BUILD, application), os.path.join(
                folder, "EFI/BOOT", {"x64": "BOOTX64.EFI", "ia32": "BOOTIA32.EFI"}[width]))
            lines = ["timeout=0", "[test]", f"options={stage}"]
            for number, (path, arguments) in enumerate(modules):
                name = f"FILE{number}.BIN"
                shutil.copyfile(path, os.path.join(folder, name))
                if number == 0:
                    lines += [f"guest=\\{name}", f"arguments={arguments}"]
                else:
                    lines.append(f"ramdisk=\\{name}")
            with open(os.path.join(folder, "EFI/BOOT/paravane.conf"), "w") as file:
                file.write("\n".join(lines) + "\n")
        return folder

    def iso(self, verb, stage, modules, target="i386-pc"):
        """A GRUB CD that starts the stage (or, loader = guest, the guest itself)."""
        menu = ["serial --unit=0 --speed=115200", "terminal_output serial", "set timeout=0",
                "menuentry test {"]
        if target != "i386-pc":  # GRUB hands on a screen that it writes on itself
            menu[:2] = ["insmod efi_gop", "loadfont unicode", menu[0], "terminal_output gfxterm serial"]
        files = {}
        if self.keys.get("cpus-told"):
            files["madt"] = make_madt(int(self.keys["cpus-told"]))
            menu.append("  acpi --exclude=APIC /madt")
        menu += [f"  cutmem {hole}" for hole in self.lines("holes")]
        module_verb = verb.replace("multiboot", "module")
        entries = [(find_file("stage"), stage, verb)] if self.keys.get("loader") != "guest" else []
        entries += [(path, arguments, module_verb) for path, arguments in modules]
        if self.keys.get("loader") == "guest":
            entries[0] = (entries[0][0], entries[0][1], verb)
        for path, arguments, word in entries:
            # GRUB drops a module's file name from its string: say it twice, as grub-mkconfig does
            # for Xen.
            name = f"{len(files)}-{os.path.basename(path)}"
            files[name] = path
            extra = f"{name} " if word == module_verb else ""
            menu.append(f"  {word} /{name} {extra}{arguments}")
        if self.keys.get("x2apic"):
            menu.append("  wrmsr 0x1b 0xfee00d00")
        menu.append("}")
        text = "\n".join(menu) + "\n"
        stamp = hashlib.sha256(text.encode()).hexdigest()[:12]
        out = os.path.join(WORK, "iso", f"{self.name}-{target}-{stamp}.iso")
        with make_lock:
            if fresh(out, __file__, *files.values()):
                return out
            if not shutil.which("grub-mkrescue"):
                raise Skip("no grub-mkrescue (packages grub-common, grub-pc-bin, xorriso)")
            os.makedirs(os.path.dirname(out), exist_ok=True)
            with tempfile.TemporaryDirectory(dir=WORK) as tree:
                os.makedirs(os.path.join(tree, "boot/grub"))
                with open(os.path.join(tree, "boot/grub/grub.cfg"), "w") as file:
                    file.write(text)
                for name, path in files.items():
                    shutil.copyfile(path, os.path.join(tree, name))
                if not os.path.isdir(f"/usr/lib/grub/{target}"):
                    raise Skip(f"no /usr/lib/grub/{target} (packages grub-pc-bin, grub-efi-*-bin)")
                command("grub-mkrescue", "-d", f"/usr/lib/grub/{target}", "-o", out + ".new", tree)
            os.replace(out + ".new", out)
        return out


def substitute(text, variables):
    for name, value in variables.items():
        text = text.replace("{" + name + "}", value)
    return text


def read_tests():
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=True,
                                       comment_prefixes=("#",))
    parser.optionxform = str
    parser.read(os.path.join(HERE, "tests.cfg"))
    tests = {}
    for section in parser.sections():
        keys = dict(parser[section])
        axes = []
        for line in keys.pop("each", "").strip().splitlines():
            names, _, values = line.partition(":")
            names = names.split("/")
            axes.append([dict(zip((n.strip() for n in names), value.split("/", len(names) - 1)))
                         for value in values.split()])
        for combination in itertools.product(*axes):
            variables = {k: v for part in combination for k, v in part.items()}
            name = substitute(section, variables)
            if name in tests:
                sys.exit(f"run-tests: two tests are named {name}")
            tests[name] = Test(name, {k: substitute(v, variables) for k, v in keys.items()})
    return tests

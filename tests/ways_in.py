# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways in that need more than a QEMU option: media with other loaders on them, made from Debian's files.

Each function of WAYS takes (test, what, stage, modules): a Test of boot_tests.py, the words behind the kind
in its key `boot`, the stage's words and [(path, arguments)]; it gives QEMU's words.  What Debian
package brings a file is in NEEDS; a file that is missing there is Missing, and the test is skipped.
"""
import os
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
WORK = os.path.join(BUILD, "tests")
NEEDS = {"isolinux": "/usr/lib/ISOLINUX/isolinux.bin",
         "syslinux-common": "/usr/lib/syslinux/modules/bios/mboot.c32",
         "bochs": "/usr/bin/bochs",
         "bochsbios": "/usr/share/bochs/BIOS-bochs-latest",
         "vgabios": "/usr/share/bochs/VGABIOS-lgpl-latest",
         "ipxe": "/boot/ipxe.lkrn",
         "xorriso": "/usr/bin/xorriso",
         "sbsigntool": "/usr/bin/sbsign",
         "openssl": "/usr/bin/openssl",
         "ovmf": "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
         "grub-efi-amd64-bin": "/usr/lib/grub/x86_64-efi/chain.mod",
         "grub-efi-ia32-bin": "/usr/lib/grub/i386-efi/chain.mod",
         "systemd-boot-efi": "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"}
APPLICATION = {"x64": "paravane.efi", "ia32": "paravane-ia32.efi"}
DEFAULT = {"x64": "BOOTX64.EFI", "ia32": "BOOTIA32.EFI"}


class Missing(Exception):
    """A file of a Debian package that is not installed."""


def need(package):
    if not os.path.exists(NEEDS[package]):
        raise Missing(f"no {NEEDS[package]} (package {package})")
    return NEEDS[package]


def run(*words, **options):
    subprocess.run(words, check=True, capture_output=True, **options)


def folder_of(test):
    folder = os.path.join(WORK, "ways", test.name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def put_files(folder, modules):
    """Short upper-case names: those of ISO 9660 and FAT."""
    names = []
    for number, (path, arguments) in enumerate(modules):
        names.append((f"FILE{number}.BIN", arguments))
        shutil.copyfile(path, os.path.join(folder, names[-1][0]))
    return names


def put_text(text, *path):
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def put_application(width, *path):
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copyfile(os.path.join(BUILD, APPLICATION[width]), path)


def configuration(stage, names):
    lines = ["timeout=0", "[test]", f"options={stage}"]
    for number, (name, arguments) in enumerate(names):
        lines += [f"guest=\\{name}", f"arguments={arguments}"] if number == 0 else [f"ramdisk=\\{name}"]
    return "\n".join(lines) + "\n"


def options_text(stage, names):
    """The same as load options."""
    words = [f"guest=\\{names[0][0]}"] + [f"ramdisk=\\{name}" for name, _ in names[1:]]
    return " ".join(words + [stage, "--", names[0][1]])


def fat(folder):
    return ["-drive", f"format=raw,file=fat:rw:{folder}"]


def isolinux(test, what, stage, modules):
    """ISOLINUX on a CD, mboot.c32."""
    need("isolinux")
    need("syslinux-common")
    need("xorriso")
    folder = folder_of(test)
    tree = os.path.join(folder, "tree")
    os.makedirs(tree)
    names = put_files(tree, modules)
    shutil.copyfile(os.path.join(BUILD, "paravane.elf"), os.path.join(tree, "STAGE.ELF"))
    shutil.copyfile(NEEDS["isolinux"], os.path.join(tree, "isolinux.bin"))
    for module in ("ldlinux.c32", "libcom32.c32", "mboot.c32"):
        shutil.copyfile(os.path.join(os.path.dirname(NEEDS["syslinux-common"]), module),
                        os.path.join(tree, module))
    append = " --- ".join([f"/STAGE.ELF {stage}"] + [f"/{name} {words}" for name, words in names])
    put_text(f"SERIAL 0 115200\nDEFAULT test\nLABEL test\n  KERNEL mboot.c32\n  APPEND {append}\n",
             tree, "isolinux.cfg")
    image = os.path.join(folder, "cd.iso")
    run("xorriso", "-as", "mkisofs", "-quiet", "-J", "-R", "-o", image, "-b", "isolinux.bin",
        "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", tree)
    return ["-cdrom", image, "-boot", "d"]


def ipxe_script(test, stage, modules):
    """A script that boots the stage with these modules by TFTP; (its path, QEMU's words for the network)."""
    folder = folder_of(test)
    names = put_files(folder, modules)
    shutil.copyfile(os.path.join(BUILD, "paravane.elf"), os.path.join(folder, "paravane.elf"))
    lines = ["#!ipxe", "dhcp", f"kernel tftp://10.0.2.2/paravane.elf {stage}"]
    lines += [f"module tftp://10.0.2.2/{name} {words}".rstrip() for name, words in names]
    put_text("\n".join(lines + ["boot", ""]), folder, "script.ipxe")
    return os.path.join(folder, "script.ipxe"), [
        "-netdev", f"user,id=net,tftp={folder}", "-device", "e1000,netdev=net,romfile="]


def ipxe(test, what, stage, modules):
    """iPXE with a script, files by TFTP from QEMU's own network."""
    need("ipxe")
    script, network = ipxe_script(test, stage, modules)
    return ["-kernel", NEEDS["ipxe"], "-initrd", script] + network


def ipxe_guest(test, what, stage, modules):
    """The other way round: iPXE is the stage's guest, and its script boots the stage again, by PVH,
    with the further modules."""
    script, network = ipxe_script(test, "mode=pvh debug-exit=0xf4", modules[1:])
    return ["-kernel", os.path.join(BUILD, "paravane.elf"), "-append", stage,
            "-initrd", f"{modules[0][0]},{script}"] + network


def usb(test, what, stage, modules):
    """The hybrid image of tools/mkiso as a USB disk; what = bios, x64 or ia32."""
    need("xorriso")
    folder = folder_of(test)
    image = os.path.join(folder, "disk.img")
    (kernel, arguments), *rest = modules
    mode = next((w[5:] for w in stage.split() if w.startswith("mode=")), "auto")
    environment = dict(os.environ, MENU_TIMEOUT="0", MENU_OPTIONS=" ".join(
        w for w in stage.split() if not w.startswith("mode=")))
    run(os.path.join(TOP, "tools/mkiso"), image, os.path.join(BUILD, "paravane.elf"), mode,
        f"{kernel}={rest[0][0] if rest else ''}", "--", *arguments.split(), env=environment, cwd=TOP)
    words = test.firmware(what) if what != "bios" else []
    return words + ["-usb", "-device", "usb-ehci,id=ehci", "-drive",
                    f"if=none,id=stick,format=raw,file={image},snapshot=on",
                    "-device", "usb-storage,bus=ehci.0,drive=stick"]


def menu(test, what, stage, modules):
    """The image as `make iso` leaves it: its menu waits, with every mode for each of two kernels (the
    guest and the first module; the second module is the ramdisk of both).  what = bios, x64 or ia32,
    and cd or usb."""
    need("xorriso")
    firmware, medium = what.split()
    image = os.path.join(folder_of(test), "image.iso")
    (first, arguments), (second, _), (ramdisk, _) = modules
    run(os.path.join(TOP, "tools/mkiso"), image, os.path.join(BUILD, "paravane.elf"), "native,pvh,pv",
        f"{first}={ramdisk}", f"{second}={ramdisk}", "--", *arguments.split(), cwd=TOP,
        env=dict(os.environ, MENU_TIMEOUT="60", MENU_OPTIONS=stage))
    words = test.firmware(firmware) if firmware != "bios" else []
    if medium == "cd":
        return words + ["-cdrom", image]
    return words + ["-usb", "-device", "usb-ehci,id=ehci", "-drive",
                    f"if=none,id=stick,format=raw,file={image},snapshot=on",
                    "-device", "usb-storage,bus=ehci.0,drive=stick"]


def shell(test, what, stage, modules):
    """The UEFI shell's startup.nsh, load options; what = x64 or ia32."""
    folder = folder_of(test)
    names = put_files(folder, modules)
    put_application(what, folder, "PARAVANE.EFI")
    put_text(f"FS0:\r\n\\PARAVANE.EFI {options_text(stage, names)}\r\n", folder, "startup.nsh")
    return test.firmware(what) + fat(folder)


def refusals(test, what, stage, modules):
    """What the application refuses before it has a kernel, one after the other: each goes back to the
    shell, which starts the next.  what = x64 or ia32."""
    folder = folder_of(test)
    put_application(what, folder, "PARAVANE.EFI")
    put_text("[one]\nguest=/one\n", folder, "conf/paravane.conf")
    put_application(what, folder, "conf/PARAVANE.EFI")
    with open(os.path.join(folder, "large"), "wb") as file:
        file.truncate(200 << 20)
    put_text("colour=red\n[one]\nguest=/one\nspeed=high\n", folder, "keys/paravane.conf")
    put_application(what, folder, "keys/PARAVANE.EFI")
    lines = [f"\\PARAVANE.EFI {stage}", f"\\PARAVANE.EFI {stage} guest=/missing",
             f"\\PARAVANE.EFI {stage} guest=/conf", f"\\keys\\PARAVANE.EFI {stage}",
             f"\\PARAVANE.EFI {stage} guest=/large", f"\\conf\\PARAVANE.EFI {stage} entry=two",
             f"\\PARAVANE.EFI {stage} guest=/k\u00e4se"]
    with open(os.path.join(folder, "startup.nsh"), "wb") as file:
        file.write("\ufeff".encode("utf-16-le") + "\r\n".join(["FS0:", *lines, "reset -s", ""]).encode("utf-16-le"))
    return test.firmware(what) + fat(folder)


def grub_chain(test, what, stage, modules):
    """GRUB's chainloader on UEFI; what = x64 or ia32."""
    target = {"x64": "x86_64-efi", "ia32": "i386-efi"}[what]
    need({"x64": "grub-efi-amd64-bin", "ia32": "grub-efi-ia32-bin"}[what])
    folder = folder_of(test)
    names = put_files(folder, modules)
    put_application(what, folder, "PARAVANE.EFI")
    early = os.path.join(WORK, "ways", test.name + ".cfg")
    # GRUB's script would take a backslash away, and the application takes either.
    words = options_text(stage, names).replace("\\", "/")
    put_text(f"search --no-floppy --set=root --file /PARAVANE.EFI\n"
             f"chainloader /PARAVANE.EFI {words}\nboot\n", early)
    os.makedirs(os.path.join(folder, "EFI/BOOT"))
    run("grub-mkstandalone", "-O", target, "-o", os.path.join(folder, "EFI/BOOT", DEFAULT[what]),
        "--modules=part_msdos fat search chain", "--install-modules=part_msdos fat search chain normal",
        "--fonts=", "--locales=", "--themes=", f"boot/grub/grub.cfg={early}")
    return test.firmware(what) + fat(folder)


def no_volume(test, what, stage, modules):
    """GRUB's chainloader from a CD whose file system the firmware cannot read; what = x64 or ia32."""
    need("xorriso")
    folder = folder_of(test)
    tree = os.path.join(folder, "tree")
    put_application(what, tree, "PARAVANE.EFI")
    put_text(f"chainloader /PARAVANE.EFI guest=/guest {stage}\nboot\necho came back to GRUB\n",
             tree, "boot/grub/grub.cfg")
    image = os.path.join(folder, "cd.iso")
    run("grub-mkrescue", "-d", f"/usr/lib/grub/{dict(x64='x86_64', ia32='i386')[what]}-efi", "-o", image, tree)
    return test.firmware(what) + ["-cdrom", image]


def systemd_boot(test, what, stage, modules):
    """systemd-boot, an entry with options."""
    need("systemd-boot-efi")
    folder = folder_of(test)
    names = put_files(folder, modules)
    put_application("x64", folder, "PARAVANE.EFI")
    os.makedirs(os.path.join(folder, "EFI/BOOT"))
    shutil.copyfile(NEEDS["systemd-boot-efi"], os.path.join(folder, "EFI/BOOT/BOOTX64.EFI"))
    put_text("timeout 0\ndefault test.conf\n", folder, "loader/loader.conf")
    put_text(f"title test\nefi /PARAVANE.EFI\noptions {options_text(stage, names)}\n", folder,
             "loader/entries/test.conf")
    return test.firmware("x64") + fat(folder)


def secure(test, what, stage, modules):
    """Secure Boot with the snakeoil keys; what = signed, unsigned, or unified (one signed file with
    guest, arguments and ramdisk in it)."""
    code = need("ovmf")
    need("sbsigntool")
    need("openssl")
    folder = folder_of(test)
    application = os.path.join(folder, "EFI/BOOT/BOOTX64.EFI")
    put_application("x64", application)
    if what == "unified":
        words = [os.path.join(BUILD, "paravane.efi"), application, modules[0][0],
                 f"--cmdline={modules[0][1]}", f"--options={stage}"]
        words += [f"--initrd={path}" for path, _ in modules[1:2]]
        run(os.path.join(TOP, "tools/mkuki"), *words)
    else:
        put_text(configuration(stage, put_files(folder, modules)), folder, "EFI/BOOT/paravane.conf")
    if what != "unsigned":
        key = os.path.join(WORK, "snakeoil.key")
        if not os.path.exists(key):
            run("openssl", "rsa", "-in", "/usr/share/ovmf/PkKek-1-snakeoil.key", "-passin",
                "pass:snakeoil", "-out", key)
        run("sbsign", "--key", key, "--cert", "/usr/share/ovmf/PkKek-1-snakeoil.pem",
            "--output", application, application)
    return ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}", "-drive",
            "if=pflash,format=raw,unit=1,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd",
            "-net", "none"] + fat(folder)


def bochs(folder, image, memory, cpus, model):
    """The whole command of another machine: Bochs with this CD, its serial port on our output.

    No way to end it from inside, so its tests end by what they expect."""
    need("bochs")
    bios, screen = need("bochsbios"), need("vgabios")
    megabytes = memory.rstrip("M")
    put_text(f"""romimage: file={bios}
vgaromimage: file={screen}
cpu: model={model}, count={cpus}, ips=50000000, reset_on_triple_fault=0
memory: guest={megabytes}, host={megabytes}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={image}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=/dev/stdout
display_library: rfb, options="timeout=0"
plugin_ctrl: speaker=0, gameport=0, voodoo=0
clock: sync=none
log: {os.path.relpath(folder, TOP)}/bochs.log
panic: action=fatal
error: action=report
""", folder, "bochsrc")
    put_text("c\n", folder, "commands")  # Debian's stops in its debugger first
    return ["bochs", "-q", "-f", os.path.join(folder, "bochsrc"), "-rc",
            os.path.join(folder, "commands")]


WAYS = {"isolinux": isolinux, "ipxe": ipxe, "ipxe-guest": ipxe_guest, "usb": usb, "menu": menu, "efi-shell": shell,
        "efi-refusals": refusals, "efi-no-volume": no_volume,
        "efi-chain": grub_chain, "systemd-boot": systemd_boot, "secure": secure}

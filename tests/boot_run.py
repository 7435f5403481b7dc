# SPDX-License-Identifier: GPL-2.0-or-later
"""One boot test run in QEMU: its output read, its monitor asked, its end judged and reported."""
import itertools
import os
import random
import re
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time

from boot_files import BUILD, TOP, WORK, Broken, Skip, command, numbers_in

FORBIDDEN = [r"guest: FAILED", r"paravane: fault", r"paravane: machine check", r"checks failed", r"Kernel panic",
             r"ramdisk: script failed", r"^error: (file|you need)"]
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|.)")
HALF_ESCAPE = re.compile(rb"\x1b(\[[0-9;?]*)?$")


def clean(data):
    """A terminal's bytes as lines of text."""
    return ESCAPES.sub("", data.decode("latin-1").replace("\r", ""))


class Stutter(threading.Thread):
    """Stops a process again and again while its clocks go on, as a busy host does: it runs a seventh
    of the time, for at most 50 ms.  Not for ever, so that what is only slow comes to its end."""
    SECONDS = 20

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process = process

    def run(self):
        end = time.monotonic() + self.SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            time.sleep(random.choice((0.001, 0.005, 0.02, 0.05)) * random.random())
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(random.choice((0.01, 0.03, 0.1, 0.3)) * random.random())
            self.process.send_signal(signal.SIGCONT)


class Monitor:
    """QEMU's monitor, and through its gdb server the memory that the guest's CPU sees."""

    def __init__(self, path):
        self.path = os.path.join(TOP, path)

    @staticmethod
    def connect(path):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        folder = os.open(os.path.dirname(path), os.O_PATH)  # a name that is short enough from anywhere
        try:
            client.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        finally:
            os.close(folder)
        return client

    def command(self, text):
        """What it answers; nothing also where the command ended the machine."""
        answer = b""
        with self.connect(self.path) as client:
            while not answer.endswith(b"(qemu) "):
                answer += client.recv(4096) or self.gone(text)
            answer = b""
            try:
                client.sendall(text.encode() + b"\n")
                while not answer.endswith(b"(qemu) "):
                    more = client.recv(4096)
                    if not more:
                        return ""
                    answer += more
            except ConnectionError:
                return ""
        return "\n".join(clean(answer).splitlines()[1:-1])

    @staticmethod
    def gone(text):
        raise Broken(f"{text}: QEMU's monitor is gone")

    @staticmethod
    def address(file, symbol):
        """Of a symbol of an ELF file of the build, in hexadecimal."""
        names = command("nm", os.path.join(BUILD, file)).splitlines()
        address = [line.split()[0] for line in names if line.split()[-1] == symbol]
        if len(address) != 1:
            raise Broken(f"{file}: {len(address)} symbols are named {symbol}")
        return address[0]

    def at(self, file, symbol, text):
        """Gives a command while the machine stands still with its first CPU in the loop of a few bytes there: what
        comes to that CPU by it comes before anything else does."""
        place, started = int(self.address(file, symbol), 16), time.monotonic()
        while time.monotonic() - started < 30:
            self.command("stop")
            found = re.search(r"\b[ER]IP=([0-9a-f]+)", self.command("info registers"))
            here = found and 0 <= int(found[1], 16) - place < 8
            answer = self.command(text) if here else ""
            self.command("cont")
            if here:
                return answer
            time.sleep(0.05)
        raise Broken(f"the first CPU is never at {symbol}")

    def poke(self, file, symbol, data):
        """Writes bytes at a symbol of an ELF file of the build, while the machine stands still."""
        address = self.address(file, symbol)
        gdb = self.path + ".g"
        self.command(f"gdbserver unix:{gdb},server=on,wait=off")
        with self.connect(gdb) as client:
            for packet in (f"M{address},{len(data) // 2:x}:{data}", "D"):
                client.sendall(b"+$%s#%02x" % (packet.encode(), sum(packet.encode()) & 255))
                answer = b""  # QEMU also tells that the machine stopped, sooner or later: only OK or an error counts
                while not re.search(rb"\$(OK|E[^#]*)#..", answer):
                    answer += client.recv(4096) or self.gone(packet)
                if b"$OK#" not in answer:
                    raise Broken(f"{packet}: {answer}")


class Run:
    """One QEMU, its output, and how far the expectations have got."""

    def __init__(self, test):
        self.test = test
        self.output = ""
        self.searched = 0
        self.rest = b""    # the begin of an escape sequence, whose end is still to come
        self.arrived = []  # (length of the output, time): when each piece came
        self.expect = [numbers_in(line) for line in test.lines("expect")]
        self.forbid = test.lines("forbid") + ([] if "none" in test.lines("forbid") else FORBIDDEN)
        self.exit = test.keys.get("exit", "33")
        self.process = None

    def read(self):
        """Takes what there is; false at the end."""
        data = os.read(self.process.stdout.fileno(), 65536)
        text = self.rest + data
        half = HALF_ESCAPE.search(text) if data else None
        self.rest = half[0] if half else b""
        self.output += clean(text[:len(text) - len(self.rest)])
        self.arrived.append((len(self.output), time.monotonic()))
        return bool(data)

    def advance(self):
        """Matches what it can; types what comes after `>`, with Enter, or after `>>`, without; gives
        QEMU's monitor what comes after `!`."""
        while self.expect:
            if self.expect[0].startswith("! "):
                self.ask_monitor(self.expect.pop(0)[2:])
                continue
            typed = re.fullmatch("(>>?)(?: (.*))?", self.expect[0])
            if typed:
                self.expect.pop(0)
                text = (typed[2] or "").encode().decode("unicode_escape") + ("\r" if typed[1] == ">" else "")
                for byte in text.encode():  # a 16-byte UART buffer, and slow readers
                    self.process.stdin.write(bytes([byte]))
                    self.process.stdin.flush()
                    time.sleep(0.01)
                continue
            found = re.compile(self.expect[0], re.M).search(self.output, self.searched)
            if not found:
                return
            self.searched = found.end()
            self.expect.pop(0)

    def ask_monitor(self, text):
        monitor = Monitor(self.test.monitor())
        words = text.split()
        if words[0] == "poke":
            monitor.poke(words[1], words[2], "".join(words[3:]))
        elif answer := monitor.at(*text.split(None, 3)[1:]) if words[0] == "at" else monitor.command(text):
            raise Broken(f"{text}: {answer}")

    def forbidden(self):
        for pattern in self.forbid:
            found = pattern != "none" and re.search(pattern, self.output, re.M)
            if found:
                line = self.output[self.output.rfind("\n", 0, found.start()) + 1:]
                return f"forbidden text: {line.splitlines()[0][:160]}"
        return None

    def wrong_pace(self):
        """Lines that count seconds, against our clock.  Some are late on a busy machine, none is early: of
        the rates of all pairs the median counts, which a few late lines do not move."""
        if "pace" not in self.test.keys:
            return None
        percent, pattern = self.test.keys["pace"].split(" ", 1)
        lines = [(int(found[1]), next(when for end, when in self.arrived if end >= found.end()))
                 for found in re.finditer(pattern, self.output, re.M)]
        rates = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(lines, 2))
        if len(lines) < 10:
            return f"{len(lines)} lines: {pattern}"
        rate = rates[len(rates) // 2]
        if abs(rate - 1) * 100 > float(percent):
            return f"a second took {rate:.4f} s, which is more than {percent} % wrong"
        return None

    def judge(self):
        """(verdict, reason)"""
        words = self.test.qemu()
        started = time.monotonic()
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, cwd=TOP)
        if self.test.stutter:
            Stutter(self.process).start()
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        timed_out = ended = False
        try:
            while True:
                left = self.test.timeout - (time.monotonic() - started)
                if left <= 0:
                    timed_out = True
                    break
                if not selector.select(min(left, 1)):
                    continue
                if not self.read():
                    ended = True
                    break
                self.advance()
                if self.forbidden():
                    time.sleep(0.5)  # what comes right behind it belongs to the report
                    if selector.select(0):
                        self.read()
                    break
                if not self.expect and self.exit == "match":
                    break
        finally:
            if not ended:
                self.process.kill()
            status = self.process.wait()
            selector.close()
            self.process.stdout.close()
            self.process.stdin.close()
        reason = self.forbidden()
        if reason:
            return "fail", reason
        if self.expect:
            why = f"time limit of {self.test.timeout:g} s" if timed_out else f"QEMU ended ({status})"
            return "fail", f"{why} before: {self.expect[0]}"
        if timed_out:
            return "fail", f"did not end within {self.test.timeout:g} s"
        if self.exit not in ("match", "any") and str(status) not in self.exit.split():
            return "fail", f"QEMU's status is {status}, expected {self.exit}"
        reason = self.wrong_pace()
        return ("fail", reason) if reason else ("pass", "")


def run_one(test):
    run = None
    started = time.monotonic()
    try:
        if "skip" in test.keys:
            raise Skip(test.keys["skip"])
        run = Run(test)
        verdict, reason = run.judge()
    except Skip as skip:
        verdict, reason = "skip", str(skip)
    except (Broken, OSError, re.error) as broken:
        verdict, reason = "error", str(broken)
    output = run.output if run else ""
    os.makedirs(os.path.join(WORK, "log"), exist_ok=True)
    with open(os.path.join(WORK, "log", test.name + ".log"), "w", encoding="latin-1",
              errors="replace") as file:
        file.write(output)
    return verdict, reason, output, time.monotonic() - started


def report(test, verdict, reason, output):
    if verdict == "pass":
        return
    if verdict == "skip":
        print(f"skipped {test.name}: {reason}")
        return
    print(f"{'FAILED' if verdict == 'fail' else 'ERROR'} {test.name}: {reason}")
    for line in output.splitlines()[-25:]:
        print("    | " + "".join(c if c.isprintable() else "?" for c in line)[:200])
    if "one-file" in test.keys:
        print(f"    again: tests/run-tests {test.keys['one-file']} {test.name}")
        return
    print(f"    again: tests/run-tests {shlex.quote(test.name)}")
    try:
        print(f"    by hand: timeout {test.timeout:g} {shlex.join(test.qemu())}")
    except (Skip, Broken, OSError):
        pass
    sys.stdout.flush()


"""Where and from what a result was made: the line that stands above every results table."""

import datetime
import pathlib
import platform
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def commit():
    """The commit of the working tree, with "+" when tracked files of the program differ from it; in
    a bundle, the one that it was made from."""
    packed = ROOT / "commit"
    if packed.exists():
        return packed.read_text().strip()
    def git(*args):
        if not shutil.which("git"):
            return ""
        done = subprocess.run(["git", "-C", str(ROOT), *args], capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = git("status", "--porcelain", "--untracked-files=no", "--",
                  "cbridge", "cmd", "configs", "oaif", "torch")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def processor():
    """The processor's name, the number of its cores, and what matters of its arithmetic."""
    name, flags, cores = platform.machine(), set(), 0
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name, cores = value.strip(), cores + 1
        elif key.strip() == "flags":
            flags = set(value.split())
    has = [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in flags]
    return f"{name}, {cores} cores, {has[-1] if has else 'no AVX2'}"


def gpus():
    """", " and the names of the GPUs, or nothing."""
    if not shutil.which("nvidia-smi"):
        return ""
    done = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
                          capture_output=True, text=True)
    names = done.stdout.split("\n") if done.returncode == 0 else []
    return "".join(f", {name.strip()}" for name in names if name.strip())


def line():
    """One line: processor, GPUs, date, commit."""
    return f"{processor()}{gpus()}; {datetime.date.today()}; commit {commit()}"


if __name__ == "__main__":
    print(commit() if "--commit" in sys.argv else line())

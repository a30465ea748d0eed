"""A running `oaif serve`, for the scripts of this folder."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf"
PROGRAM = ROOT / "bin/oaif"


def options(parser):
    """Adds the options that every script has."""
    parser.add_argument("--program", default=PROGRAM, type=pathlib.Path)
    parser.add_argument("--model", default=MODEL, type=pathlib.Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")


class Server:
    """host, port, name and process of a server."""

    def __init__(self, process, line):
        found = re.match(r"(.*) at http://([\d.]+):(\d+)/v1\n", line)
        if not found:
            raise SystemExit(f"serve: the server said {line!r}")
        self.process, self.name = process, found[1]
        self.host, self.port = found[2], int(found[3])
        self.url = f"http://{self.host}:{self.port}/v1"

    def resident(self):
        """Bytes of memory that the server holds."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise SystemExit("serve: the server has gone")


@contextlib.contextmanager
def serving(options, *flags, **environment):
    """Starts a server at a free port, and ends it with an interrupt."""
    process = subprocess.Popen(
        [options.program, "serve", "--model", options.model, "--listen", "127.0.0.1:0",
         "--device", options.device, "--dtype", options.dtype, *flags],
        stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        yield Server(process, process.stdout.readline())
        process.send_signal(signal.SIGINT)
        status = process.wait(30)
        if status != 0:
            raise SystemExit(f"serve: the server ended with status {status} after an interrupt")
    finally:
        process.kill()  # does nothing to one that has ended
        process.wait()

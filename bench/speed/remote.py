"""What a step costs when the annotator is an endpoint that takes a second to answer, beside one
that answers at once, and with train.async; exit status 1 if a target is missed.

    python3 bench/speed/remote.py [--only film|chat] [--seconds 1.0] [--into docs/annotators.md]

The endpoint is a thread of this script: its verdicts are a function of the prompt and cost next to
nothing. Everything else is the workload of `make bench`.
"""

import argparse
import hashlib
import http.server
import json
import pathlib
import statistics
import sys
import tempfile
import threading
import time

import programs
import workloads
from report import WARM_UP, table  # of the folder beside, which programs has found

sys.path.insert(0, str(programs.ROOT / "bench"))
import machine  # noqa: E402  lie in the folder above
from summary import put  # noqa: E402

BEGIN, END = "<!-- results of bench/speed/remote.py -->", "<!-- end of remote -->"
STEPS, ROUNDS = 4, 2
SPEC = """
kind = "pairwise"
prompt = "{prompt} 1: {a} 2: {b} Better:"
[remote]
url = "http://127.0.0.1:PORT/v1"
model = "judge"
concurrency = 64
"""


class Answer(http.server.BaseHTTPRequestHandler):
    """One request of /completions with logprobs."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.seconds)
        first = -0.1 - hashlib.sha256(text).digest()[0] / 100
        body = json.dumps({
            "choices": [{"text": "1", "logprobs": {
                "tokens": ["1"], "token_logprobs": [first],
                "top_logprobs": [{"1": first, "2": -1.0}]}}],
            "usage": {"prompt_tokens": len(text) // 4, "completion_tokens": 1}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Endpoint(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    seconds = 0.0


def timed(work, spec, seconds, ahead, endpoint):
    """Seconds of each timed step, and of the wait in it."""
    endpoint.seconds = seconds
    asking = work.change({"annotator.file": str(spec), "train.async": ahead})
    found = programs.oaif(asking, WARM_UP + STEPS, "cpu", "auto")
    steps = found["steps"][WARM_UP:-1]  # the last one samples nothing ahead
    median = statistics.median(s["seconds"] for s in steps)
    print(f"{work.name}, {seconds} s{', async' if ahead else ''}: {median:.2f} s a step",
          file=sys.stderr, flush=True)
    return [(s["seconds"], s["stages"]["annotate"]) for s in steps]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=["film", "chat"], help="one workload")
    parser.add_argument("--seconds", type=float, default=1.0, help="what an answer takes")
    parser.add_argument("--into", type=pathlib.Path, help="file with the two marks")
    args = parser.parse_args()
    endpoint = Endpoint(("127.0.0.1", 0), Answer)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    rows, met = [], True
    with tempfile.TemporaryDirectory() as folder:
        spec = pathlib.Path(folder, "judge.toml")
        spec.write_text(SPEC.replace("PORT", str(endpoint.server_port)))
        for work in workloads.FILM, workloads.CHAT:
            if args.only not in (None, work.name):
                continue
            steps = {(0.0, False): [], (args.seconds, False): [], (args.seconds, True): []}
            for _ in range(ROUNDS):
                for (seconds, ahead), of in steps.items():
                    of += timed(work, spec, seconds, ahead, endpoint)
            at_once, late, ahead = ([statistics.median(x) for x in zip(*of)]
                                    for of in steps.values())
            allowed = at_once[0] + 0.3 if work is workloads.FILM else 1.15 * at_once[0]
            good = late[0] <= allowed
            met = met and good
            rows.append([work.name, f"{at_once[0]:.2f}", f"{late[0]:.2f}", f"{late[1]:.2f}",
                         f"{allowed:.2f}", "met" if good else "**missed**", f"{ahead[0]:.2f}"])
    head = ["", "at once: s a step", f"after {args.seconds:g} s", "of it waiting", "target", "",
            "with `train.async`"]
    text = f"{machine.line()}.\n\n{table(head, rows)}"
    if args.into:
        put(args.into, text, BEGIN, END)
    print(text)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()

"""Times oaif beside the reference in PyTorch and TRL on the same work, one after another in turn.

    python3 bench/speed/compare.py [--device cpu|cuda] [--dtype TYPE] [--only film|chat] [--sweeps]
                                   [--out FOLDER]

`make bench` runs it. Model, prompt files, annotator, settings and type are the same. Each program
draws prompts in its own order and answers of its own, so that chats end where they end: they are
compared by their tokens a second. Each runs several times in turn, every time with another seed, so
that a machine that slows down slows all of them down; TRL as it comes runs once, for one step. The
first steps of each process are left out.
FOLDER (bench/results) gets speed-DEVICE.json, or sweeps-DEVICE.json, of which table.py makes tables
and plot.py pictures.
"""

import argparse
import json
import pathlib
import statistics
import sys
import tempfile

import programs
import workloads

sys.path.insert(0, str(programs.ROOT / "bench"))
import machine  # noqa: E402  lies in the folder above
from report import WARM_UP  # noqa: E402  in the folder beside, which programs has found


def timed(program, work, steps, args, **more):
    """One process; its row, with what it came to on standard error."""
    found = program(work, WARM_UP + steps, args.device, args.dtype, **more)
    seconds = statistics.median(s["seconds"] for s in found["steps"][WARM_UP:])
    print(f"{work.name}: {found['program']}: {seconds:.2f} s a step, "
          f"{found['peak_bytes'] / 1e9:.2f} GB", file=sys.stderr, flush=True)
    return found


def bounds(run, device, folder):
    """What bounds.py says of a run."""
    out = folder / "bounds.json"
    programs.start([programs.PYTHON, "bench/speed/bounds.py", str(run), "--device", device,
                    "--json", str(out)])
    return json.loads(out.read_text())


def workload(work, args, folder, bound):
    """Yields the rows of one workload. Each run of oaif is left in folder until bound, a list, has
    what bounds.py says of it: the machine is measured in the same minutes."""
    steps, rounds = workloads.TIMED[work.name]
    for n in range(rounds):
        seeded, run = work.change({"train.seed": n + 1}), folder / f"{work.name}-{n}"
        yield timed(programs.oaif, seeded, steps, args, keep=run)
        bound.append(bounds(run, args.device, folder))
        yield timed(programs.reference, seeded, steps, args)
        yield timed(programs.trl, seeded, steps, args)
    yield timed(programs.trl_defaults, work, 1, args)  # it takes minutes, without a cache


def sweep(points, args):
    """Yields the rows of a sweep's points, with the value that the point has."""
    for value, work in points:
        for program in programs.oaif, programs.reference:
            yield timed(program, work, 2, args) | {"value": value}


def collect(args, folder):
    """Yields what goes into the file of results as it grows, but for where and when."""
    if args.sweeps:
        programs.start([programs.PYTHON, "bench/speed/made.py", str(folder)])
        out = {"sweeps": {}}
        for name, points in workloads.sweeps(folder).items():
            for row in sweep(points, args):
                out["sweeps"].setdefault(name, []).append(row)
                yield out
        return
    out = {"rows": [], "bounds": {}}
    for work in workloads.FILM, workloads.CHAT:
        if args.only in (None, work.name):
            bound = out["bounds"][work.name] = []
            for row in workload(work, args, folder, bound):
                out["rows"].append(row)
                yield out


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--dtype", default="auto", help="float32, bfloat16 or auto")
    parser.add_argument("--only", choices=["film", "chat"], help="one workload")
    parser.add_argument("--sweeps", action="store_true", help="the sweeps instead of the workloads")
    parser.add_argument("--out", type=pathlib.Path, default=programs.ROOT / "bench/results")
    args = parser.parse_args()
    made = {"made": machine.line(), "device": args.device, "warm_up": WARM_UP}
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{'sweeps' if args.sweeps else 'speed'}-{args.device}.json"
    with tempfile.TemporaryDirectory() as folder:
        for found in collect(args, pathlib.Path(folder)):  # written row by row: it takes an hour
            path.write_text(json.dumps(made | found, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()

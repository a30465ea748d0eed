"""Times oaif beside the reference in PyTorch and TRL on the same work, one after another in turn.

    python3 bench/speed/compare.py [--device cpu|cuda] [--dtype TYPE] [--only film|chat] [--sweeps]
                                   [--out FOLDER]

`make bench` runs it. Model, prompts, annotator, number of tokens and type are the same; each
program runs several times in turn, so that a machine that slows down slows all of them down. The
first steps of each process are left out. FOLDER (bench/results) gets speed-DEVICE.json, or
sweeps-DEVICE.json, of which table.py makes tables and plot.py pictures.
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

WARM_UP = 3


def note(*words):
    print(*words, file=sys.stderr, flush=True)


def timed(program, work, steps, args, **more):
    """One process; its row, with what it came to on standard error."""
    found = program(work, WARM_UP + steps, args.device, args.dtype, **more)
    seconds = statistics.median(s["seconds"] for s in found["steps"][WARM_UP:])
    note(f"{work.name}: {found['program']}: {seconds:.2f} s a step, "
         f"{found['peak_bytes'] / 1e9:.2f} GB")
    return found


def bounds(run, device, folder):
    """What bounds.py says of a run."""
    out = folder / "bounds.json"
    programs.start([programs.PYTHON, "bench/speed/bounds.py", str(run), "--device", device,
                    "--json", str(out)])
    return json.loads(out.read_text())


def workload(work, args, folder):
    """(rows, bounds) of one workload."""
    steps, rounds = workloads.TIMED[work.name]
    rows, run = [], folder / work.name
    for n in range(rounds):
        rows.append(timed(programs.oaif, work, steps, args, **({} if n else {"keep": run})))
        rows.append(timed(programs.reference, work, steps, args))
        rows.append(timed(programs.trl, work, steps, args))
    rows.append(timed(programs.trl_defaults, work, steps, args))
    return rows, bounds(run, args.device, folder)


def sweep(points, args):
    """Rows of a sweep's points, with the value that the point has."""
    return [timed(program, work, 2, args) | {"value": value}
            for value, work in points
            for program in (programs.oaif, programs.reference)]


def collect(args, folder):
    """What goes into the file of results, but for where and when."""
    if args.sweeps:
        programs.start([programs.PYTHON, "bench/speed/made.py", str(folder)])
        return {"sweeps": {name: sweep(points, args)
                           for name, points in workloads.sweeps(folder).items()}}
    out = {"rows": [], "bounds": {}}
    for work in workloads.FILM, workloads.CHAT:
        if args.only in (None, work.name):
            rows, out["bounds"][work.name] = workload(work, args, folder)
            out["rows"] += rows
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--dtype", default="auto", help="float32, bfloat16 or auto")
    parser.add_argument("--only", choices=["film", "chat"], help="one workload")
    parser.add_argument("--sweeps", action="store_true", help="the sweeps instead of the workloads")
    parser.add_argument("--out", type=pathlib.Path, default=programs.ROOT / "bench/results")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = collect(args, pathlib.Path(folder))
    made = {"made": machine.line(), "device": args.device, "warm_up": WARM_UP}
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{'sweeps' if args.sweeps else 'speed'}-{args.device}.json"
    path.write_text(json.dumps(made | found, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()

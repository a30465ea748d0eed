"""Tables of what compare.py measured; exit status 1 if a target is missed.

    python3 bench/speed/table.py bench/results/speed-cpu.json [bench/results/sweeps-cpu.json]
                                 [--into bench/SPEED.md] [--short README.md]

--into puts the tables between the two marks in that file, and --short one small table between those
of the other, so that no figure there is typed by hand.
"""

import argparse
import pathlib
import sys

import programs
import results
from report import STAGES, table  # of the folder beside, which programs has found

sys.path.insert(0, str(programs.ROOT / "bench"))
from summary import put  # noqa: E402  lies in the folder above

BEGIN, END = "<!-- results of bench/speed/table.py -->", "<!-- end of speed -->"
COLUMNS = *STAGES, "other"


def stages(found, work):
    """Seconds by stage of every program, of the machine at its best, and oaif's share of that."""
    programs, bounds = results.programs(found, work), results.bounds(found, work)["seconds"]
    rows = [[p.name, *(f"{p.stages[c]:.2f}" for c in COLUMNS), f"**{p.seconds:.2f}**",
             f"{p.least:.2f} to {p.most:.2f} in {p.timed}", f"{p.rate:.0f}",
             f"{p.peak / 1e9:.2f}"]
            for p in programs.values()]
    ours = programs["oaif"].stages
    best = [f"{bounds[c]:.2f}" if c in bounds else "" for c in COLUMNS]
    share = [f"{bounds[c] / ours[c]:.0%}" if c in bounds else "" for c in COLUMNS]
    rows.append(["the machine's bound for oaif", *best, f"{sum(bounds.values()):.2f}", "", "", ""])
    rows.append(["oaif's share of it", *share, "", "", "", ""])
    head = [work, *COLUMNS, "a step", "least to most of so many", "tokens/s", "peak GB"]
    return table(head, rows)


def ceilings(found):
    """What the machine was measured to do, from which the bounds are."""
    return " ".join(
        f"Measured behind {work}: the best {b['dtype']} product of large matrices does "
        f"{b['operations_per_second'] / 1e9:.0f} GFLOP/s, a copy reads and writes "
        f"{b['copied_bytes_per_second'] / 1e9:.1f} GB/s."
        for work, b in ((work, results.bounds(found, work)) for work in found["bounds"]))


def short(found):
    """One table of all programs on all workloads. Answers end where they end, so that tokens a
    second are what compares."""
    works = list(found["bounds"])
    by = {work: results.programs(found, work) for work in works}
    rows = []
    for name in by[works[0]]:
        of = [by[work][name] for work in works]
        rows.append([name, *(cell for p in of for cell in
                             (f"{p.rate:.0f}", f"{p.peak / 1e9:.2f}"))])
    head = ["", *(title for work in works for title in
                  (f"{work}: answers' tokens a second", "peak GB"))]
    return f"{found['made']}.\n\n{table(head, rows)}"


def targets(found):
    """(what, found, target, whether it is met). Programs are compared by their tokens a second."""
    for work in found["bounds"]:
        by, bound = results.programs(found, work), results.bounds(found, work)["seconds"]
        ours = by["oaif"]
        least = {"TRL": 2.5, "reference": 1.5}
        for name, target in least.items():
            ratio = ours.rate / by[name].rate
            yield f"{work} step against {name}", f"{ratio:.2f} x", f">= {target} x", ratio >= target
        for stage, target in ("train", .60), ("annotate", .65), ("reference", .65):
            share = bound[stage] / ours.stages[stage]
            yield f"{work}, {stage}: share of the bound", f"{share:.2f}", f">= {target}", \
                share >= target
        ratio = ours.stages["sample"] / bound["sample"]
        yield f"{work}, prefill and decode over their bound", f"{ratio:.2f} x", "<= 1.6 x", \
            ratio <= 1.6
        ratio = ours.peak / by["TRL"].peak
        yield f"{work}, peak memory against TRL", f"{ratio:.2f} x", "<= .6 x", ratio <= .6


def sweep_rows(found, name):
    for value, by in results.sweep(found, name):
        ours, theirs = by["oaif"], by["reference"]
        yield [value, f"{ours.seconds:.2f}", f"{theirs.seconds:.2f}",
               f"{theirs.seconds / ours.seconds:.2f} x", f"{ours.peak / 1e9:.2f}",
               f"{theirs.peak / 1e9:.2f}"]


def sweep_targets(found):
    for name in found["sweeps"]:
        worst = min(by["reference"].seconds / by["oaif"].seconds
                    for _, by in results.sweep(found, name))
        yield f"{name}: worst point against reference", f"{worst:.2f} x", ">= 1.25 x", worst >= 1.25


def render(speed, sweeps):
    """(text, whether all targets are met)"""
    checks = list(targets(speed))
    parts = [f"{speed['made']}. {ceilings(speed)}"]
    parts += [stages(speed, work) for work in speed["bounds"]]
    if sweeps:
        checks += sweep_targets(sweeps)
        parts.append(f"The sweeps: {sweeps['made']}.")
        parts += [table([name, "oaif, s a step", "reference", "faster", "oaif, GB", "reference"],
                        list(sweep_rows(sweeps, name))) for name in sweeps["sweeps"]]
    parts.append(table(["", "found", "target", ""],
                       [[*row[:3], "met" if row[3] else "**missed**"] for row in checks]))
    return "\n\n".join(parts), all(row[3] for row in checks)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("speed", help="a file of compare.py")
    parser.add_argument("sweeps", nargs="?", help="one of compare.py --sweeps")
    parser.add_argument("--into", type=pathlib.Path, help="file with the two marks")
    parser.add_argument("--short", type=pathlib.Path, help="another file with the two marks")
    args = parser.parse_args()
    speed = results.load(args.speed)
    text, met = render(speed, args.sweeps and results.load(args.sweeps))
    if args.into:
        put(args.into, text, BEGIN, END)
    if args.short:
        put(args.short, short(speed), BEGIN, END)
    print(text)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()

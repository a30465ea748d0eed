"""Draws what compare.py measured, as SVG beside its file.

    bench/parity/python.sh bench/speed/plot.py bench/results/speed-cpu.json

Of workloads: the stages of a step, a bar for each program. Of sweeps: seconds a step of both
programs along each sweep.
"""

import pathlib
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "oaif"  # the same file for the same figures
matplotlib.rcParams["svg.fonttype"] = "none"
import matplotlib.pyplot as plt  # noqa: E402

import results  # noqa: E402
from report import STAGES  # noqa: E402  of the folder beside, which results has found

COLORS = dict(zip((*STAGES, "other"),
                  ("#4477aa", "#ee6677", "#ccbb44", "#228833", "#aa3377", "#bbbbbb")))


def workload(ax, found, work):
    """A bar a program, first to last from the top."""
    programs = list(results.programs(found, work).values())
    left = [0.0] * len(programs)
    for stage, color in COLORS.items():
        width = [p.stages[stage] for p in programs]
        ax.barh([p.name for p in programs], width, left=left, color=color, label=stage)
        left = [a + b for a, b in zip(left, width)]
    for p, end in zip(programs, left):
        ax.text(end, p.name, f" {p.seconds:.1f} s", va="center")
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.set_title(work, loc="left")
    ax.set_xlabel("seconds a step")


def sweep(ax, found, name):
    points = results.sweep(found, name)
    values = [str(value) for value, _ in points]
    for program in points[0][1]:
        ax.plot(values, [by[program].seconds for _, by in points], marker="o", label=program)
    ax.set_yscale("log")
    ax.set_title(name, loc="left")
    ax.set_ylabel("seconds a step")


def draw(found):
    names = found.get("sweeps") or found["bounds"]
    one = sweep if "sweeps" in found else workload
    rows = (len(names) + 1) // 2
    figure, axes = plt.subplots(rows, 2, figsize=(11, 3.2 * rows), layout="constrained",
                                squeeze=False)
    for ax, name in zip(axes.flat, names):
        one(ax, found, name)
    for ax in axes.flat[len(names):]:
        ax.set_visible(False)
    axes.flat[0].legend(fontsize="small")
    figure.suptitle(found["made"], fontsize="small")
    return figure


def main():
    path = pathlib.Path(sys.argv[1])
    draw(results.load(path)).savefig(path.with_suffix(".svg"), metadata={"Date": None})
    print(path.with_suffix(".svg"))


if __name__ == "__main__":
    main()

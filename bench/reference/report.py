"""Rows of results: as a Markdown table, and as JSON Lines for docs/parity.md."""

import datetime
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import machine  # noqa: E402  lies in the folder above

# Of timed steps: their stages, in order, and how many of the first are left out.
STAGES = "sample", "annotate", "reference", "train", "optimize"
WARM_UP = 3

# Columns: what stands above them, and the row's key.
STEPS = [("step", "step"), ("pairs", "pairs"), ("loss, oaif", "recorded"),
         ("loss, PyTorch", "replayed"), ("off", "off"), ("gradient norm, oaif", "recorded_norm"),
         ("gradient norm, PyTorch", "replayed_norm")]
REPLAYS = [("model", "model"), ("run", "variant"), ("loss", "loss"), ("dtype", "dtype"),
           ("steps", "steps"), ("pairs", "pairs"), ("skipped", "skipped"),
           ("loss off", "loss_error"), ("bound", "loss_bound"), ("PyTorch's", "torch_loss_error"),
           ("weights off", "weight_error"), ("bound", "weight_bound"),
           ("PyTorch's", "torch_weight_error"),
           ("gradient norms off", "norm_error"), ("bound", "norm_bound"),
           ("PyTorch's", "torch_norm_error"), ("holds", "holds")]
GRADIENTS = [("model", "model"), ("loss", "loss"), ("dtype", "dtype"), ("run", "variant"),
             ("step", "step"), ("tensors", "tensors"),
             ("gradient off", "error"), ("bound", "bound"),
             ("PyTorch's own off", "pytorch_error"), ("holds", "holds")]


def cell(value):
    if isinstance(value, bool):
        return "yes" if value else "**NO**"
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) >= .01 else f"{value:.1e}"
    return str(value)


def table(head, body):
    """A Markdown table of a line of titles and lines of cells."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def markdown(columns, rows):
    """The rows' table, in the columns of (title, key)."""
    return table([title for title, _ in columns],
                 [[cell(row[key]) for _, key in columns] for row in rows])


def write(rows, path):
    """Adds the rows to the JSON Lines file path, each with where and from what it was made."""
    made = {"machine": machine.processor(), "date": str(datetime.date.today()),
            "commit": machine.commit()}
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(json.dumps(row | made) + "\n" for row in rows)


def finish(rows, path):
    """Writes the rows where a path is given; exit status 1 when a bound is broken."""
    if path:
        write(rows, path)
    sys.exit(0 if all(row["holds"] for row in rows) else 1)

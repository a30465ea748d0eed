"""The table of a finished run, out of its own files; exit status 1 if a target is missed.

    python3 bench/summary.py RUN [--negative RUN2] [--baseline ...]

RUN is a run folder of configs/demo.toml, RUN2 one of configs/negative.toml.
"""

"""What does a gradient through the whole sampler cost? `python -m benchmarks.gradients --out gradients.jsonl`

All methods run on the embedded network with the same grid and loss, each in its own process, so that its peak memory
can be measured. A row holds

    calls    network calls without + with gradients enabled
    seconds  time of one gradient; on one CPU thread the process's CPU time
    floor    time divided by that of N calls without and N calls with backward pass, measured alternately
    own      time divided by that of the method's own calls, which shows its overhead. For methods that keep all graphs,
             the lower bound is N calls with backward pass, and this is the ratio to it
    memory   peak memory above that of one call with backward pass, MiB
    error    relative error of dL/dx_T and dL/dz, compared with plain autograd through the same sampler (Unrolled)
    image    relative distance from the sampler's image: 0, unless the method samples with its own solver

Rows are appended to --out as they are measured, and --table prints the table of such a file. --steps and --methods
select rows, so that a long run can be divided.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.gradients.cost import measure
from benchmarks.gradients.methods import METHODS
from benchmarks.gradients.table import header, line, table


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.gradients", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 20, 50, 200], help="numbers of sampling steps N")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--repeats", type=int, default=3, help="timings of each row")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    parser.add_argument("--device", default="cpu", help="device, such as cpu or cuda")
    parser.add_argument("--out", type=Path, help="JSON lines file to append the rows to")
    parser.add_argument("--table", type=Path, help="print the table of such a file and measure nothing")
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "STEPS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.table:
        lines = options.table.read_text(encoding="utf-8").splitlines()
        print(table([json.loads(text) for text in lines]))
        return
    if options.one:
        print(json.dumps(measure(options.one[0], int(options.one[1]), options.repeats, options.device)))
        return
    print(header())
    for steps in options.steps:
        for name in options.methods:
            flags = ["--repeats", str(options.repeats), "--threads", str(options.threads), "--device", options.device]
            command = [sys.executable, "-m", "benchmarks.gradients", "--one", name, str(steps), *flags]
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
            print(line(json.loads(text)), flush=True)
            if options.out:
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(text + "\n")


if __name__ == "__main__":
    main()

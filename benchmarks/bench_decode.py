"""How long does it take to decode QuantConnect's answers, and how much memory?

Contenders, each on the same bytes: qcasync (typed, all fields; also lazily, with decimals, and charts as columns);
json, orjson, msgspec and pysimdjson to plain dictionaries; pydantic with equivalent models, from JSON and after
json.loads; the lean CLI's models, where they cover a payload. Two limits: reading the text without making anything of
it, and making the same objects without any text.

Rounds are interleaved in random order, with the garbage collector on and off; ratios to orjson are what counts. Memory
and stalls of an event loop are measured in processes of their own. `qcasync bench decode` runs the same.

    python benchmarks/bench_decode.py [--file FILE] [--rounds 7] [--json] [--png FILE] [--smoke]
"""

import argparse
from pathlib import Path

import msgspec

from qcasync.cli.bench.command import check_picture, make
from qcasync.cli.bench.measuring import Plan, measure
from qcasync.cli.bench.payloads import Seeded, from_file
from qcasync.cli.bench.picture import draw
from qcasync.cli.bench.report import show
from qcasync.cli.output import messages, results, say

FEW = [Seeded.ORDERS, Seeded.PASCAL, Seeded.BROKEN, Seeded.LIVE_1, Seeded.DEPLOYMENTS]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Time decoders on answers of QuantConnect's API.")
    parser.add_argument("--file", type=Path, help="an answer of your own; seeded ones unless given")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1, help="of the order within a round")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--png", type=Path, help="draw a chart")
    parser.add_argument("--smoke", action="store_true", help="a small run, to see that it works")
    options = parser.parse_args()
    if options.png:
        check_picture(options.png)
    rounds = 1 if options.smoke else options.rounds
    with messages().status("makes the payloads ...") as status:
        names = FEW if options.smoke else list(Seeded)
        payloads = [from_file(options.file)] if options.file else make(names, small=options.smoke)
        run = measure(payloads, Plan(rounds=rounds, seed=options.seed, brief=options.smoke), status.update)
    if options.json:
        print(msgspec.json.encode(run).decode())
    else:
        show(run, results())
    for sentence in run.left_out:
        say(f"Left out: {sentence}")
    if options.png and not draw(run, options.png):
        say("No chart: orjson took no part.")


if __name__ == "__main__":
    main()

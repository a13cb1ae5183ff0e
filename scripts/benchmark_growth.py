"""How does grading grow? `python scripts/benchmark_growth.py [--sizes 100 1000 10000] [--assignment batchnorm|light]`

Grades classes of growing size and prints for each: submissions a second, CPU seconds each, peak memory of each kind of
process, time in the database, bytes on disk. Then it compares one core with two, and the local pool with Dask on the
same cores, in turns (`--compare N` submissions each, 0 leaves it out). From the largest class it computes what a
million submissions would need. Everything goes into `chapters/_scale/<assignment>.json`, and from there into the table
of the book's page on scale, `chapters/_scale/figures.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from benchmark_grading import PLAIN, ROOT, make_course

from reference.course import positive

LIGHT = "light asserts"
MIB = 1 << 20
EVERY = 0.25  # seconds between two looks at the memory
DOLLARS_PER_CORE_HOUR = 0.05  # an assumption, as is the next
DOLLARS_PER_GIGABYTE_MONTH = 0.1
# Runs in the grading process: `grade`, with the time in the database and of the first and the last result.
GRADER = """
import json, sys, time
from pathlib import Path
from autograder import database, grade, progress
spent, ends = [0.0], []
transact, show = database.Database.transact, progress.Progress.show
def timed(self, action):
    start = time.perf_counter()
    try:
        return transact(self, action)
    finally:
        spent[0] += time.perf_counter() - start
def noted(self, done, failed):
    ends.append(time.monotonic())
    show(self, done, failed)
database.Database.transact, progress.Progress.show = timed, noted
cpu = time.process_time()
summary = grade.grade(sys.argv[1], Path(sys.argv[2]), **json.loads(sys.argv[3]))
rate = (len(ends) - 1) / (ends[-1] - ends[0])
print(json.dumps({"graded": summary.graded, "failed": summary.failed, "rate": rate, "database": spent[0],
                  "start_up": summary.seconds - (len(ends) - 1) / rate, "grader_cpu": time.process_time() - cpu}))
"""

# Made beforehand, since nbgrader is imported for it.
GRADEBOOK = "import sys; from autograder.gradebook import Gradebook; Gradebook(sys.argv[1]).close()"


@dataclass(frozen=True)
class Run:
    """One class, graded; start-up is left out of the rate."""

    submissions: int
    per_second: float
    cpu_seconds_each: float  # of all processes
    grader_cpu_seconds_each: float  # of the one that writes
    database_seconds: float
    start_up_seconds: float
    peak_mib: dict[str, float]  # resident, of the largest process of each kind
    bytes_on_disk: dict[str, int]


class Watch(threading.Thread):
    """Looks at all processes below one: peak memory of each kind, and CPU time that no log holds."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak: Counter[str] = Counter()
        self.cpu: dict[int, float] = {}
        self.through = threading.Event()

    def run(self) -> None:
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.pid)
            while not self.through.wait(EVERY):
                for process in [top, *top.children(recursive=True)]:
                    with suppress(psutil.Error):
                        self._look(process)

    def _look(self, process: psutil.Process) -> None:
        line = " ".join(process.cmdline())
        kind = "worker" if "autograder.pool" in line else "sandbox" if "autograder.warm" in line else "grader"
        self.peak[kind] = max(self.peak[kind], process.memory_info().rss)
        parents = [" ".join(parent.cmdline()) for parent in process.parents()[:1]]
        if not any("autograder.warm" in parent for parent in parents):  # what those fork is in the log
            times = process.cpu_times()
            self.cpu[process.pid] = times.user + times.system


def on_disk(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in [folder, *folder.rglob("*")])


def grade(root: Path, name: str, **options: Any) -> Run:
    """Grade a course from the start."""
    process = subprocess.Popen(
        [sys.executable, "-c", GRADER, name, str(root), json.dumps(options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    watch = Watch(process.pid)
    watch.start()
    output, _ = process.communicate()
    watch.through.set()
    watch.join()
    if process.returncode:
        raise SystemExit(f"grading {root} failed with {process.returncode}")
    found = json.loads(output.splitlines()[-1])
    if found["failed"]:
        raise SystemExit(f"{found['failed']} submissions could not be graded")
    log = [json.loads(line) for line in (root / ".autograder" / "log.jsonl").read_text().splitlines()]
    count = found["graded"]
    cpu = sum(record["cpu_seconds"] for record in log[-count:]) + sum(watch.cpu.values())
    places = ("submitted", "autograded", "feedback", ".autograder", "gradebook.db")
    return Run(
        submissions=count,
        per_second=found["rate"],
        cpu_seconds_each=cpu / count,
        grader_cpu_seconds_each=found["grader_cpu"] / count,
        database_seconds=found["database"],
        start_up_seconds=found["start_up"],
        peak_mib={kind: size / MIB for kind, size in sorted(watch.peak.items())},
        bytes_on_disk={place: on_disk(root / place) for place in places},
    )


def course(folder: Path, assignment: str, count: int) -> tuple[Path, str]:
    name = make_course(folder, assignment, count)
    (folder / "nbgrader_config.py").write_text(PLAIN)
    subprocess.run([sys.executable, "-c", GRADEBOOK, f"sqlite:///{folder}/gradebook.db"], check=True)
    return folder, name


def growth(assignment: str, sizes: list[int], jobs: int) -> list[Run]:
    runs = []
    print(f"{assignment}, {jobs} workers; start-up is left out")
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="growth-") as folder:
            run = grade(*course(Path(folder), assignment, size), jobs=jobs)
        runs.append(run)
        peaks = ", ".join(f"{kind} {mib:.0f}" for kind, mib in run.peak_mib.items())
        disk = ", ".join(f"{place} {size / run.submissions / 1024:.1f}" for place, size in run.bytes_on_disk.items())
        print(
            f"{run.submissions:6} submissions: {run.per_second:.2f} a second, {run.cpu_seconds_each:.3f} CPU s each "
            f"(grader {run.grader_cpu_seconds_each * 1000:.1f} ms), database {run.database_seconds:.2f} s in all\n"
            f"       peak MiB: {peaks}; KiB on disk each: {disk}",
            flush=True,
        )
    first, last = runs[0], runs[-1]
    print(f"time each at {last.submissions} is {first.per_second / last.per_second:.3f} of that at {first.submissions}")
    print(f"the grader's peak memory grows by {last.peak_mib['grader'] - first.peak_mib['grader']:.0f} MiB")
    return runs


def compared(assignment: str, count: int, rounds: int) -> dict[str, float]:
    """Rates side by side: each way in turn, so that a machine that changes is the same for all."""
    rates: dict[str, list[float]] = {"one core": [], "two cores": [], "Dask": []}
    cores = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory(prefix="growth-") as folder, _Dask(Path(folder)) as address:
        root, name = course(Path(folder, "course"), assignment, count)
        for _ in range(rounds):
            rates["one core"].append(grade(root, name, jobs=1, force=True).per_second)
            rates["two cores"].append(grade(root, name, jobs=len(cores), force=True).per_second)
            rates["Dask"].append(grade(root, name, scheduler=address, force=True).per_second)
    middle = {way: statistics.median(values) for way, values in rates.items()}
    ratios = {
        "two cores over one": middle["two cores"] / middle["one core"],
        "Dask over the local pool": middle["Dask"] / middle["two cores"],
    }
    print(f"{assignment}, {count} submissions, median of {rounds}, in turns:")
    print(", ".join(f"{way} {rate:.2f} a second" for way, rate in middle.items()))
    print(", ".join(f"{what} {ratio:.2f}" for what, ratio in ratios.items()), flush=True)
    return middle | ratios


class _Dask:
    """A scheduler and two workers of one thread each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> str:
        place = self.folder / "scheduler.json"
        scheduler = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(place)]
        worker = ["--scheduler-file", str(place), "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]
        for line in (["dask_scheduler", *scheduler], ["dask_worker", *worker], ["dask_worker", *worker]):
            command = [sys.executable, "-m", f"distributed.cli.{line[0]}", *line[1:]]
            self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            while not place.exists():
                time.sleep(0.1)
        address: str = json.loads(place.read_text())["address"]
        return address

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait()


def figures(results: list[dict[str, Any]]) -> str:
    """The results of all assignments that were measured, as Markdown."""
    lines = [
        "| assignment | class of | a second | CPU s | grader ms | database ms "
        "| peak MiB: grader, worker, sandbox | disk KiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    sized = [result for result in results if "sizes" in result]
    for result in sized:
        for run in result["sizes"]:
            count, peak = run["submissions"], run["peak_mib"]
            lines.append(
                f"| {result['assignment']} | {count:,} | {run['per_second']:.2f} | {run['cpu_seconds_each']:.3f} "
                f"| {1000 * run['grader_cpu_seconds_each']:.1f} | {1000 * run['database_seconds'] / count:.1f} "
                f"| {peak['grader']:.0f}, {peak['worker']:.0f}, {peak['sandbox']:.0f} "
                f"| {sum(run['bytes_on_disk'].values()) / count / 1024:.0f} |"
            )
    lines += [
        "",
        "| assignment, in turns on the same cores | two cores over one | Dask over the local pool |",
        "|---|---|---|",
    ]
    for result in results:
        if "compared" in result:
            ratios = result["compared"]
            dask = ratios["Dask over the local pool"]
            lines.append(f"| {result['assignment']} | {ratios['two cores over one']:.2f} | {dask:.2f} |")
    lines += ["", "| a million submissions | " + " | ".join(result["assignment"] for result in sized) + " |"]
    lines.append("|---" * (len(sized) + 1) + "|")
    for what in sized[0]["million"]:
        values = " | ".join(f"{result['million'][what]:,.1f}" for result in sized)
        lines.append(f"| {what.replace('_', ' ')} | {values} |")
    return "\n".join(lines) + "\n"


def of_a_million(run: Run) -> dict[str, float]:
    """What a million submissions like those of ``run`` would need."""
    million = 1_000_000
    core_hours = million * run.cpu_seconds_each / 3600
    gigabytes = million * sum(run.bytes_on_disk.values()) / run.submissions / 1e9
    needed = {
        "core_hours": core_hours,
        "cores_for_a_day": core_hours / 24,
        "cores_that_one_grader_feeds": run.cpu_seconds_each / run.grader_cpu_seconds_each,
        "grader_hours": million * run.grader_cpu_seconds_each / 3600,
        "database_hours": million * run.database_seconds / run.submissions / 3600,
        "gigabytes": gigabytes,
        "gradebook_gigabytes": million * run.bytes_on_disk["gradebook.db"] / run.submissions / 1e9,
        "dollars_of_cores": core_hours * DOLLARS_PER_CORE_HOUR,
        "dollars_of_disk_a_month": gigabytes * DOLLARS_PER_GIGABYTE_MONTH,
    }
    print("a million submissions would need: " + ", ".join(f"{what} {value:.4g}" for what, value in needed.items()))
    return needed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=positive, nargs="*", default=[100, 1000, 10_000])
    parser.add_argument("--assignment", choices=("batchnorm", "light"), default="batchnorm")
    parser.add_argument("--jobs", type=positive, default=os.cpu_count())
    parser.add_argument("--compare", type=int, default=60, metavar="N", help="submissions of each run; 0 leaves it out")
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--to", type=Path, default=ROOT / "chapters" / "_scale", help="the folder for the figures")
    options = parser.parse_args()
    if min([*options.sizes, options.compare or 2]) < 2:
        parser.error("a rate is counted between two submissions: --sizes and --compare need 2 at least")
    assignment = LIGHT if options.assignment == "light" else options.assignment
    found: dict[str, Any] = {"assignment": assignment, "cores": os.cpu_count(), "jobs": options.jobs}
    if options.sizes:
        runs = growth(assignment, options.sizes, options.jobs)
        found |= {"sizes": [asdict(run) for run in runs], "million": of_a_million(runs[-1])}
    if options.compare:
        found["compared"] = compared(assignment, options.compare, options.rounds)
    options.to.mkdir(parents=True, exist_ok=True)
    path = options.to / f"{options.assignment}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | found if path.exists() else found, indent=1) + "\n")
    results = [json.loads(each.read_text()) for each in sorted(options.to.glob("*.json"))]
    (options.to / "figures.md").write_text(figures(results))


if __name__ == "__main__":
    main()

"""Coverage-guided fuzzing by atheris: one process a target, one after the other, with progress and a table at the end.

All targets are loaded and instrumented once; each runs in a fork of that, because libFuzzer never returns.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.fuzz.corpus import keep, kept, laid_out, lay_out
from tests.fuzz.target import Target

LONGEST_INPUT = 4096
"""Bytes of the inputs that are tried: the shapes of ``make test`` have 64 KiB."""
SLOWEST = 2.0
"""Seconds of the processor that one of them may take, with the instrumentation."""
MEMORY = 2048
"""MiB that the process may take."""
EVERY = 10.0
"""Seconds between two lines of progress."""
_FOUND = 77
"""The exit status of libFuzzer after an exception (``-error_exitcode``)."""
_LINE = re.compile(rb"#(\d+)\s.*?cov: (\d+) .*?corp: (\d+)/")
_DONE = re.compile(rb"stat::number_of_executed_units: (\d+)")


class SlowError(Exception):
    """A small input took very long."""


@dataclass
class Result:
    """What became of a target: inputs, branches that were reached, inputs in the corpus, seconds, and the find."""

    target: str
    inputs: int = 0
    coverage: int = 0
    corpus: int = 0
    seconds: float = 0.0
    find: str = ""

    def line(self) -> str:
        """For people."""
        rate = self.inputs / self.seconds if self.seconds else 0.0
        found = f"  FOUND: {self.find}" if self.find else ""
        return f"{self.target:20} {self.inputs:>10,} {rate:>9,.0f}/s {self.coverage:>9,} {self.corpus:>7,}{found}"


HEADING = f"{'target':20} {'inputs':>10} {'rate':>11} {'coverage':>9} {'corpus':>7}"


class Campaign:
    """Runs targets for so many ``seconds`` each. ``directory`` holds the corpus between runs, and what is found.

    With ``structured`` the bytes choose among inputs that almost make sense (``structure.py``). With ``fresh`` nothing
    of an earlier run is used.
    """

    def __init__(self, directory: Path, seconds: float, *, structured: bool = False, fresh: bool = False) -> None:
        self._directory = directory
        self._seconds = max(1, round(seconds))
        self._structured = structured
        self._where = "structured" if structured else "corpus"
        if fresh:
            shutil.rmtree(directory / self._where, ignore_errors=True)

    def run(self, targets: Iterable[Target]) -> list[Result]:
        """Fuzz each target, and print how it goes."""
        print(HEADING, flush=True)
        return [self._fuzz(target) for target in targets]

    def keep(self, targets: Iterable[Target]) -> None:
        """Keep some of the inputs that have reached new branches."""
        for target in targets:
            keep(target, set(laid_out(self._corpus(target))) - set(target.seeds()))

    def _corpus(self, target: Target) -> Path:
        return self._directory / self._where / target.name

    def _fuzz(self, target: Target) -> Result:
        corpus, finds = self._corpus(target), self._directory / "finds"
        finds.mkdir(parents=True, exist_ok=True)
        lay_out(() if self._structured else (*target.seeds(), *kept(target)), corpus)
        options = [f"-max_total_time={self._seconds}", f"-max_len={LONGEST_INPUT}", f"-rss_limit_mb={MEMORY}"]
        options += ["-print_final_stats=1", f"-artifact_prefix={finds}/{target.name}-", f"-error_exitcode={_FOUND}"]
        result, begun = Result(target.name), time.monotonic()
        shown = begun
        error: list[str] = []

        def read(line: bytes) -> None:
            nonlocal shown
            if found := _LINE.search(line):
                result.inputs, result.coverage, result.corpus = (int(number) for number in found.groups())
                result.seconds = time.monotonic() - begun
                if time.monotonic() - shown > EVERY:
                    shown = time.monotonic()
                    print(f"{result.line()} ...", flush=True)
            elif found := _DONE.search(line):
                result.inputs = int(found[1])
            else:
                error.append(line.decode(errors="replace").rstrip())

        status = self._forked(target, [*options, str(corpus)], read)
        result.seconds = time.monotonic() - begun
        if status:
            raised = [
                each for each in error if re.match(r"[A-Za-z.]+(Error|Exception|Interrupt)\b|ALARM|ERROR|==", each)
            ]
            place = next((each.split()[-1] for each in error if "Test unit written to" in each), "")
            base64 = next((each for each in error if each.startswith("Base64: ")), "")
            result.find = f"{(raised or error or ['?'])[0][:200]} ({place}) {base64}"
        print(result.line(), flush=True)
        return result

    def _forked(self, target: Target, options: Sequence[str], read: Callable[[bytes], None]) -> int:
        """Run libFuzzer in a fork, and give each line that it prints to ``read``. Returns its exit status."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            os.closerange(3, 64)
            _become(target, options, structured=self._structured)
        os.close(writing)
        with os.fdopen(reading, "rb") as lines:
            for line in lines:
                read(line)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def instrumented() -> dict[str, Target]:
    """The table, loaded so that the product's branches are seen."""
    import atheris  # noqa: PLC0415  # only in the fuzzer's own environment

    # It prints a line for each module.
    with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(include=["mpathd_watch"]):
        from tests.fuzz.table import TARGETS  # noqa: PLC0415
    return TARGETS


def _become(target: Target, options: Sequence[str], *, structured: bool) -> None:
    """Fuzz the target in this process, and end it."""
    import atheris  # noqa: PLC0415

    from tests.fuzz.limits import parse  # noqa: PLC0415

    def once(data: bytes) -> None:
        began = time.thread_time()
        parse(target, data)
        if time.thread_time() - began > SLOWEST:
            raise SlowError(f"{len(data)} bytes took {time.thread_time() - began:.1f} s")

    atheris.Setup([sys.argv[0], *options], _by_structure(target, once) if structured else once)
    atheris.Fuzz()
    os._exit(0)


def _by_structure(target: Target, once: Callable[[bytes], None]) -> Callable[[bytes], Any]:
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415

    from tests.fuzz.structure import structured  # noqa: PLC0415

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(structured(target))
    def check(data: bytes) -> None:
        once(data)

    found: Callable[[bytes], Any] = check.hypothesis.fuzz_one_input  # type: ignore[attr-defined]  # Hypothesis adds it
    return found


def summary(results: Iterable[Result], out: IO[str]) -> int:
    """Print the sums; the number of finds."""
    found = list(results)
    finds = [result for result in found if result.find]
    inputs = sum(result.inputs for result in found)
    print(f"{inputs:,} inputs to {len(found)} targets, finds: {len(finds)}", file=out)
    for result in finds:
        print(f"  {result.target}: {result.find}", file=out)
    return len(finds)

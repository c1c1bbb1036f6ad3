"""Standard error on a pipe that nobody reads."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator

import pytest

from mpathd_watch.sinks.standard_error import StandardError

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def read(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size and (chunk := os.read(descriptor, size - len(data))):
        data += chunk
    return data


def test_what_is_printed_arrives(pipe: Pipe) -> None:
    reading, writing = pipe
    stream = StandardError(writing)
    print("a line", "\udcff", file=stream)
    stream.flush()
    assert read(reading, 14) == b"a line \\udcff\n"
    assert stream.stop()
    assert (stream.isatty(), stream.fileno(), stream.writable()) == (False, writing, True)


def test_a_pipe_that_nobody_reads_makes_no_writer_wait_and_loses_nothing_that_fits(pipe: Pipe) -> None:
    reading, writing = pipe
    stream = StandardError(writing)
    began = time.monotonic()
    text = "".join(f"line {number}\n" for number in range(2000))
    for line in text.splitlines(keepends=True):
        stream.write(line)
    assert time.monotonic() - began < 0.25
    time.sleep(0.4)
    assert stream.outlet.stalled
    assert read(reading, len(text)).decode() == text
    assert stream.stop()
    assert stream.outlet.lost == 0


def test_what_does_not_fit_is_counted_and_reported_once(pipe: Pipe) -> None:
    reading, writing = pipe
    stream = StandardError(writing, capacity=8192)
    for _ in range(40):
        stream.write("x" * 1000)
    lost = stream.outlet.lost
    assert 28 <= lost <= 32
    time.sleep(0.1)
    expected = (40 - lost) * 1000
    data = read(reading, expected + 60)
    assert data[:expected] == b"x" * expected
    assert data[expected:].startswith(b"mpathd-watch: standard error was not read in time; ")
    assert stream.stop()


def test_the_end_waits_no_longer_than_asked(pipe: Pipe) -> None:
    stream = StandardError(pipe[1])
    stream.write("x" * 10_000)
    began = time.monotonic()
    assert not stream.stop(0.2)
    assert time.monotonic() - began < 1
    assert stream.outlet.lost == 1


def test_a_reader_that_is_gone_is_counted(pipe: Pipe) -> None:
    reading, writing = pipe
    os.close(reading)
    stream = StandardError(writing)
    print("nobody there", file=stream)
    assert stream.stop()
    assert stream.outlet.lost == 2  # the text and its end of line

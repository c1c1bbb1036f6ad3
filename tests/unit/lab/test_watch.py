"""What the lab reads of the metrics in a guest: what the product exposes, as the scraper records it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.model.facts import AccessFacts
from mpathd_watch.core.model.vocabulary import AccessState, CheckerState, DeviceState, DmState
from mpathd_watch.core.state import State
from mpathd_watch.sinks.metrics import Exposition
from mpathd_watch.sinks.view import View
from tests.factories import NOW, make_map, make_path, make_state
from tests.lab.guest.scraper import changes, samples
from tests.lab.kit.watch import METRICS_LOG, Watch

if TYPE_CHECKING:
    from tests.lab.kit.guest import Guest

PATH = {"map": "mpio", "path": "192.168.1.1:3260"}


class Log:
    """Takes the guest's place: the scraper's log there, one scrape each second of a product in these states."""

    def __init__(self, *scraped: State | None, shuffle: Callable[[list[Any]], None]) -> None:
        lines: list[str] = []
        known: dict[str, float] = {}
        for second, state in enumerate(scraped):
            now = {} if state is None else samples(exposed(state))
            changed = list(changes(known, now).items())
            shuffle(changed)
            lines += [
                json.dumps({"mono": second, "began": second - 0.75, "series": series, "value": value})
                for series, value in changed
            ]
            known = now
        self._text = "".join(f"{line}\n" for line in lines).encode()

    def now(self) -> float:
        return 0.0

    def read_file(self, path: str, offset: int) -> bytes:
        assert path == METRICS_LOG
        return self._text[offset:]


def exposed(state: State) -> str:
    exposition = Exposition(lambda: View(state, NOW))
    return b"".join(exposition.render(exposition.format())).decode()


def one_path(**changes: Any) -> State:
    return make_state([make_map(paths=[make_path(**changes)])])


def watch(*scraped: State | None, shuffle: Callable[[list[Any]], None] = list.reverse) -> Watch:
    return Watch(cast("Guest", Log(*scraped, shuffle=shuffle)), present=True)


raw_states = st.fixed_dictionaries(
    {
        "dm": st.sampled_from(DmState),
        "checker": st.sampled_from(CheckerState),
        "device": st.sampled_from(DeviceState),
        "access": st.builds(AccessFacts, state=st.one_of(st.none(), st.sampled_from(AccessState))),
    }
)


@settings(deadline=None, max_examples=50)
@given(st.lists(raw_states, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_raw_states_are_those_of_the_last_scrape_whatever_the_order_of_the_changes(
    told: list[dict[str, Any]], shuffle: random.Random
) -> None:
    found = watch(*(one_path(**raw) for raw in told), shuffle=shuffle.shuffle)
    last = told[-1]
    words = {name: last[name].value for name in ("dm", "checker", "device")}
    state = last["access"].state
    expected = {**PATH, **words, "access": "" if state is None else state.value}
    assert found.info("path_state_info", **PATH) == expected
    assert [found.metric("path_state_info", **PATH, **{name: word}) for name, word in words.items()] == [1, 1, 1]
    other = next(word for word in CheckerState if word.value != words["checker"])
    assert found.metric("path_state_info", **PATH, checker=other.value) is None


def test_a_product_that_can_not_be_scraped_has_no_raw_states() -> None:
    found = watch(one_path(), None)
    assert found.info("path_state_info", **PATH) == {}
    assert found.metric("path_state_info", **PATH) is None


def test_a_counter_has_risen_since_an_instant() -> None:
    found = watch(one_path(reinstatements=1), one_path(reinstatements=1), one_path(reinstatements=4))
    assert found.rise("path_reinstatements_total", 1, **PATH) == 3
    assert found.rise("path_reinstatements_total", 2, **PATH) == 0


def test_the_state_of_a_state_set_is_the_word_that_is_one() -> None:
    found = watch(one_path())
    assert found.state("path_health", **PATH) == "up"


def test_a_value_is_from_the_moment_at_which_its_scrape_began() -> None:
    found = watch(None, one_path())
    assert found.metric_instant("path_health", "up", after=-1, **PATH) == 0.25
    assert found.metric_instant("path_health", "up", after=0.9, **PATH) == 0.25
    assert found.metric_instant("path_health", "up", after=1, **PATH) is None


class Answering:
    """Takes the guest's place: what commands print there."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = answers

    def now(self) -> float:
        return 0.0

    def run(self, script: str, timeout: float = 60.0, check: bool = True) -> str:
        assert timeout > 0
        found = next((text for command, text in self._answers.items() if script.startswith(command)), None)
        assert not check or found is not None
        return found or ""


def test_what_is_said_of_the_service_and_of_past_outages() -> None:
    kept = [{"id": "a", "path": "p", "verdict": "within_budget"}, {"id": "b", "path": "p", "verdict": None}]
    answers = {
        "mpathd-watch history --json": json.dumps({"outages": kept}),
        "systemctl show": "MainPID=7\nNRestarts=0\nActiveEnterTimestampMonotonic=5\nActiveState=active\n",
        "readlink /proc/7/exe": "/usr/bin/python3.11 (deleted)\n",
    }
    watch = Watch(cast("Guest", Answering(answers)), present=True)
    assert list(watch.outages()) == ["a", "b"]
    assert (watch.open_outage("p"), watch.open_outage("q")) == ("b", None)
    assert watch.service()["program"] == "/usr/bin/python3.11"
    assert watch.service()["MainPID"] == "7"
    assert Watch(cast("Guest", Answering({})), present=True).outages() == {}

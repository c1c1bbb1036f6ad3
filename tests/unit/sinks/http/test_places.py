"""Which connection yields when one more client comes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.sinks.http.answer import NOTHING, Content
from mpathd_watch.sinks.http.places import FEWER_FOR, JUST_COME, PATIENCE, Places, Stage, network_of

ANSWER = Content([b"answer"])


@dataclass(eq=False)
class Client:
    """A connection that only notes that it was closed."""

    address: str = "192.0.2.1"
    stage: Stage = Stage.ASKING
    since: float = 0.0
    held: Content = NOTHING
    gone: bool = False

    def hang_up(self) -> None:
        self.gone = True


def filled(*clients: Client, share: int | None = None) -> Places:
    places = Places(len(clients), share or len(clients) + 1)
    for client in clients:
        assert places.take(client, 0.0)
    return places


def test_while_there_is_room_nobody_yields() -> None:
    first, second = Client(), Client()
    places = Places(2, 2)
    assert places.take(first, 1.0)
    assert places.take(second, 2.0)
    assert not first.gone
    assert len(places) == 2


def test_a_client_has_a_moment_to_send_its_request() -> None:
    young, younger = Client(since=1.0), Client(since=1.01)
    places = filled(younger, young)
    assert not places.take(Client(), 0.999 + JUST_COME)
    assert places.take(Client(), 1.001 + JUST_COME)
    assert (young.gone, younger.gone) == (True, False)


def test_one_that_does_not_read_yields_before_one_that_has_just_come() -> None:
    young, unread = Client(since=9.0), Client(stage=Stage.ANSWERING, since=8.0, held=ANSWER)
    places = filled(young, unread)
    assert places.take(Client(), 9.1)
    assert (young.gone, unread.gone) == (False, True)


def test_the_oldest_without_a_request_yields() -> None:
    old, young = Client(since=1.0), Client(since=2.0)
    places = filled(young, old)
    assert places.take(Client(), 3.0)
    assert (old.gone, young.gone) == (True, False)
    assert len(places) == 2


def test_one_that_was_served_before_stays_longer_than_one_that_never_asked() -> None:
    scraper, silent = Client(stage=Stage.IDLE, since=1.0), Client(since=9.4)
    places = filled(scraper, silent)
    assert places.take(Client(), 10.0)
    assert (scraper.gone, silent.gone) == (False, True)


def test_one_that_is_only_waiting_to_be_closed_yields_first() -> None:
    closing, asking = Client(stage=Stage.CLOSING, since=9.0), Client(since=1.0)
    places = filled(closing, asking)
    assert places.take(Client(), 10.0)
    assert (closing.gone, asking.gone) == (True, False)


def test_one_that_is_being_answered_stays() -> None:
    places = filled(Client(stage=Stage.ANSWERING, since=1.0), Client(stage=Stage.ANSWERING, since=1.0))
    assert not places.take(Client(), 100.0)
    assert len(places) == 2


def test_of_those_that_do_not_read_the_one_that_stands_still_longest_yields() -> None:
    longest = Client(stage=Stage.ANSWERING, since=1.0, held=ANSWER)
    reading = Client(stage=Stage.ANSWERING, since=5.0, held=ANSWER)
    places = filled(reading, longest)
    assert not places.take(Client(), 1.0 + PATIENCE)
    assert places.take(Client(), 1.1 + PATIENCE)
    assert (longest.gone, reading.gone) == (True, False)


def test_an_address_competes_with_itself_first() -> None:
    other = Client("192.0.2.7", since=0.0)
    crowd = [Client(since=1.0 + number) for number in range(3)]
    places = Places(10, 3)
    for client in (other, *crowd):
        places.take(client, 5.0)
    assert places.take(Client(), 6.0)
    assert crowd[0].gone
    assert not other.gone


def test_when_all_places_are_taken_the_address_with_most_of_them_yields() -> None:
    alone = Client("192.0.2.7", since=0.0)
    crowd = [Client(since=5.0), Client(since=6.0)]
    places = filled(alone, *crowd)
    assert places.take(Client("192.0.2.8"), 7.0)
    assert (alone.gone, crowd[0].gone, crowd[1].gone) == (False, True, False)


def test_a_place_is_free_again_when_its_client_has_left() -> None:
    client = Client(stage=Stage.ANSWERING)
    places = filled(client)
    places.leave(client)
    places.leave(client)
    assert places.take(Client(stage=Stage.ANSWERING), 1.0)
    assert not places.take(Client(), 1.0)


def test_those_that_yield_first_are_given_up_when_files_are_short() -> None:
    clients = [Client(since=float(number)) for number in range(40)]
    places = filled(*reversed(clients))
    places.give_back(16, 100.0)
    assert [each.gone for each in clients] == [True] * 16 + [False] * 24
    assert len(places) == 24


@pytest.mark.parametrize(("clients", "left"), [(1, 0), (2, 1), (20, 10), (100, 84)])
def test_at_most_half_of_the_clients_are_given_up_but_one(clients: int, left: int) -> None:
    places = filled(*(Client() for _ in range(clients)))
    places.give_back(16, 100.0)
    assert len(places) == left


def test_places_that_were_given_back_stay_free_for_a_while() -> None:
    places = Places(40, 40)
    for _ in range(12):
        assert places.take(Client(), 0.0)
    places.give_back(4, 100.0)
    assert places.take(Client(since=101.0), 101.0)
    assert len(places) == 8
    for _ in range(9):
        assert places.take(Client(since=102.0), 102.0)
    assert len(places) == 9  # none of those that have only just come yields for the last one
    assert places.take(Client(), 100.0 + FEWER_FOR)
    assert len(places) == 10


def test_one_that_is_being_answered_is_not_given_up() -> None:
    places = filled(Client(stage=Stage.ANSWERING), Client(stage=Stage.ANSWERING))
    places.give_back(16, 100.0)
    assert len(places) == 2


def test_answers_that_nobody_reads_do_not_add_up() -> None:
    answers = [Content([bytes(100)]) for _ in range(4)]
    clients = [Client(stage=Stage.ANSWERING, since=float(number), held=each) for number, each in enumerate(answers)]
    shared = Client(stage=Stage.ANSWERING, since=3.5, held=answers[3])
    places = filled(*clients, shared)
    places.bound_content(200, 10.0)
    assert [client.gone for client in clients] == [True, True, False, False]
    assert not shared.gone


def test_an_answer_that_is_being_read_is_never_too_much() -> None:
    reading = Client(stage=Stage.ANSWERING, since=10.0, held=Content([bytes(100)]))
    places = filled(reading)
    places.bound_content(1, 10.0)
    assert not reading.gone


def test_the_end_is_for_all() -> None:
    clients = [Client(), Client(stage=Stage.ANSWERING)]
    places = filled(*clients)
    places.clear()
    assert all(client.gone for client in clients)
    assert len(places) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]),
            st.sampled_from(list(Stage)),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_the_limits_hold_whoever_comes(arrivals: list[tuple[str, Stage, bool]]) -> None:
    places = Places(5, 3)
    inside: list[Client] = []
    for now, (address, stage, reads) in enumerate(arrivals):
        client = Client(address, stage, float(now), NOTHING if reads else ANSWER)
        if places.take(client, float(now)):
            inside.append(client)
        inside = [each for each in inside if not each.gone]
        assert len(inside) == len(places) <= 5
        networks = [network_of(each.address) for each in inside]
        assert all(networks.count(each) <= 3 for each in networks)

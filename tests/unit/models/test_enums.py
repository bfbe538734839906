"""Enums are open: what appears tomorrow decodes today."""

import copy
import enum
import pickle

import msgspec
import pytest

from qcasync.models import AlgorithmStatus, OpenEnum, OrderDirection, OrderStatus, OrderType, TimeInForceKind, enums

VOCABULARIES = OpenEnum.__subclasses__()


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_every_member_is_known_and_found_by_its_value(vocabulary: type[OpenEnum]) -> None:
    for member in vocabulary:
        assert vocabulary(member.value) is member
        assert member.is_known
        assert msgspec.convert(member.value, vocabulary) is member


@pytest.mark.parametrize(
    "spelling", ["partiallyFilled", "PartiallyFilled", "PARTIALLY_FILLED", "partially-filled", "2"]
)
def test_a_member_is_found_in_any_spelling(spelling: str) -> None:
    assert OrderStatus(spelling) is OrderStatus.PARTIALLY_FILLED


@pytest.mark.parametrize("value", [4, "onHold", -1, 2**40])
def test_an_unknown_value_is_a_member_that_keeps_it(value: int | str) -> None:
    member = OrderStatus(value)

    assert member.value == value
    assert (member.name, member.is_known) == ("UNKNOWN", False)
    assert repr(member) == f"<OrderStatus.UNKNOWN: {value!r}>"
    assert OrderStatus(value) is member
    assert member not in list(OrderStatus)


@pytest.mark.parametrize("member", [OrderStatus.FILLED, OrderStatus(4), AlgorithmStatus("Paused")])
def test_members_survive_pickle_and_copy(member: OpenEnum) -> None:
    assert pickle.loads(pickle.dumps(member)) is member
    assert copy.deepcopy(member) is member
    assert copy.copy(member) is member


def test_equality_is_by_value_within_one_vocabulary() -> None:
    assert OrderStatus(4) == OrderStatus(4)
    assert OrderStatus(4) != OrderStatus(44)
    assert OrderStatus(4) != OrderDirection(4)
    assert OrderStatus.FILLED != OrderType.STOP_LIMIT
    assert OrderStatus.FILLED != 3
    assert len({OrderStatus(4), OrderStatus(4), OrderStatus.NEW}) == 2


@pytest.mark.parametrize("value", [None, 1.5, (), object()])
def test_what_is_neither_number_nor_text_is_no_member(value: object) -> None:
    with pytest.raises(ValueError, match="not a valid OrderStatus"):
        OrderStatus(value)


def test_true_is_no_unknown_member() -> None:
    with pytest.raises(ValueError, match="not a valid TimeInForceKind"):
        TimeInForceKind(True)


def test_a_server_cannot_fill_the_memory_with_new_values(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: dict[object, OpenEnum] = {}
    monkeypatch.setattr(enums, "_remembered", remembered)  # other tests must find room in theirs

    for value in range(100, 100 + 2 * enums._MAX_REMEMBERED):
        assert OrderType(value) == OrderType(value)
    assert len(remembered) == enums._MAX_REMEMBERED
    assert OrderType(10**6) == OrderType(10**6)


@pytest.mark.parametrize("value", ["x" * 65, 2**64])
def test_a_long_value_is_not_remembered(value: int | str, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: dict[object, OpenEnum] = {}
    monkeypatch.setattr(enums, "_remembered", remembered)  # other tests must find room in theirs

    assert OrderType(value) == OrderType(value)
    assert remembered == {}


@pytest.mark.parametrize(("text", "member"), [("filled", OrderStatus.FILLED), ("cancelPending", OrderStatus(8))])
def test_the_text_of_an_event_decodes_to_the_member_of_the_order(text: str, member: OrderStatus) -> None:
    texts = enums.in_text(OrderStatus)

    assert msgspec.json.decode(f'"{text}"'.encode(), type=texts) is member
    assert enums.member_of(texts, member.value) is member


def test_an_unknown_text_of_an_event_is_an_unknown_member_of_the_vocabulary() -> None:
    member: enum.Enum = msgspec.json.decode(b'"onHold"', type=enums.in_text(OrderStatus))

    assert member is OrderStatus("onHold")


def test_final_statuses() -> None:
    assert {status for status in OrderStatus if status.is_final} == {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.INVALID,
    }
    assert not OrderStatus("onHold").is_final

"""The same models under other keys, derived and not written twice."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from qcasync._core.settling import settle_symbol
from qcasync._core.spelling import Form, camel, fold, kebab, pascal, respelled
from qcasync._core.wire import OLD
from qcasync.models import (
    GroupOrderManager,
    InsightScore,
    Order,
    OrderDirection,
    OrderEvent,
    OrderSubmissionData,
    ProjectFile,
    Symbol,
)
from qcasync.models._json import ShallowJson
from tests.unit.models.test_orders import EVENT, ORDER


@pytest.mark.parametrize(("spell", "expected"), [(camel, "limitPrice"), (pascal, "LimitPrice"), (kebab, "limit-price")])
def test_spellings(spell: Any, expected: str) -> None:
    assert spell("limitPrice") == expected
    assert fold(expected) == "limitprice"


def decode(json: bytes, kind: Any) -> Any:
    return msgspec.json.decode(json, type=kind)


def test_a_model_under_other_keys_is_the_model() -> None:
    found = decode(b'{"BidPrice":1,"AskPrice":2,"LastPrice":3}', respelled(OrderSubmissionData, pascal))

    assert type(found) is OrderSubmissionData
    assert found == OrderSubmissionData(bid_price=1.0, ask_price=2.0, last_price=3.0)
    with pytest.raises(AttributeError):
        found.bid_price = 2.0  # type: ignore[misc]
    assert hash(found) == hash(OrderSubmissionData(bid_price=1.0, ask_price=2.0, last_price=3.0))


def test_a_model_may_contain_itself() -> None:
    json = b'{"Value":"a","Id":"b","Underlying":{"Value":"c","Id":"d","Underlying":null}}'

    assert decode(json, respelled(Symbol, pascal)) == Symbol(value="a", id="b", underlying=Symbol(value="c", id="d"))


def test_containers_and_optional_models_are_reached() -> None:
    json = b'{"a":[{"UpdatedTimeUtc":null},null]}'

    (score, nothing) = decode(json, respelled(dict[str, tuple[InsightScore | None, ...]], pascal))["a"]
    assert (type(score), nothing) == (InsightScore, None)


def test_constraints_defaults_and_keys_of_their_own_survive() -> None:
    kind = respelled(GroupOrderManager, kebab)

    assert decode(b'{"id":1,"quantity":2,"count":3,"order-ids":[4]}', kind) == GroupOrderManager(
        id=1, quantity=2.0, count=3, order_ids=(4,), direction=OrderDirection.HOLD
    )
    with pytest.raises(msgspec.ValidationError):
        decode(b'{"id":1,"quantity":2}', kind)
    with pytest.raises(msgspec.ValidationError):
        decode(b'{"id":9223372036854775808,"quantity":2,"count":3}', kind)


def test_what_the_model_does_after_decoding_is_done() -> None:
    found = decode(b'{"Modified":"2025-02-03 14:30:00"}', respelled(ProjectFile, pascal))

    assert found.modified.tzinfo is not None


def test_unknown_keys_pass_unless_forbidden() -> None:
    assert decode(b'{"updatedTimeUtc":1}', respelled(InsightScore, pascal)) == InsightScore()
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        decode(b'{"updatedTimeUtc":1}', respelled(InsightScore, pascal, forbid_unknown=True))


def test_unknown_keys_always_pass_where_a_needed_one_tells_the_spelling() -> None:
    symbol = respelled(Symbol, kebab, forbid_unknown=True)

    assert decode(b'{"value":"a","id":"b","invented":1}', symbol) == Symbol(value="a", id="b")


def test_exceptions_and_replacements() -> None:
    kind = respelled(
        Order, pascal, exceptions={OrderEvent: kebab}, replacements={dict[str, ShallowJson]: dict[str, int]}
    )
    event = {kebab(key): value for key, value in msgspec.to_builtins(EVENT).items()}
    event |= {"status": "filled", "direction": "buy"}
    order = {pascal(key): value for key, value in msgspec.to_builtins(ORDER).items()}
    order |= {"Events": [event], "Symbol": {"Value": "KRNL", "Id": "KRNL X1"}, "Properties": {"a": 1}}

    assert decode(msgspec.json.encode(order), kind) == msgspec.structs.replace(ORDER, _properties={"a": 1})
    with pytest.raises(msgspec.ValidationError, match="Properties"):
        decode(msgspec.json.encode(order | {"Properties": {"a": "1"}}), kind)


def test_a_field_may_have_another_form_altogether() -> None:
    kind = respelled(OrderSubmissionData, pascal, forms={OrderSubmissionData: {"bid_price": Form("Bid", float | str)}})

    assert decode(b'{"Bid":"none","AskPrice":2,"LastPrice":3}', kind).bid_price == "none"
    with pytest.raises(msgspec.ValidationError, match="Bid"):
        decode(b'{"AskPrice":2,"LastPrice":3}', kind)


def test_models_may_be_left_for_the_caller_to_settle() -> None:
    found = decode(b'{"Value":"a","ID":"b"}', respelled(Symbol, pascal, exceptions=OLD, unsettled={Symbol}))

    assert type(found) is not Symbol
    settle_symbol(found)
    assert type(found) is Symbol
    assert found == Symbol(value="a", id="b")


def test_numbers_are_of_the_type_that_was_asked_for() -> None:
    json = b'{"Quantity":1.50,"Id":1,"Count":2}'

    assert decode(json, respelled(GroupOrderManager, pascal)).quantity == 1.5
    exact = decode(json, respelled(GroupOrderManager[Decimal], pascal))
    assert (str(exact.quantity), str(exact.limit_price)) == ("1.50", "0.0")
    assert type(exact) is GroupOrderManager

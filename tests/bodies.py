"""Small answers of every form, as parsed JSON. They are short, so that a million of them decode in seconds."""

from typing import Any, Final

Tree = Any
"""Parsed JSON."""

SYMBOL: Final = {"value": "KRNL", "id": "KRNL X1"}
OPTION: Final = {"value": "KRNL 250321C00080000", "id": "KRNL 9A|KRNL X1", "permtick": "KRNL", "underlying": SYMBOL}

_EVENT = {
    "id": "L-1-1-1",
    "algorithmId": "L-1",
    "orderId": 1,
    "orderEventId": 1,
    "symbol": "KRNL X1",
    "time": 1738593000.1234,
    "status": "partiallyFilled",
    "orderFeeAmount": 1.5,
    "orderFeeCurrency": "USD",
    "direction": "buy",
    "message": None,
    "isAssignment": False,
    "quantity": 40.0,
}
_MARKET = {
    "type": 0,
    "id": 1,
    "symbol": SYMBOL,
    "price": 144.773077904000,
    "time": "2025-02-03T14:30:00.1234567Z",
    "quantity": 40.0,
    "status": 3,
    "direction": 0,
    "events": [_EVENT],
}
_LIMIT = {
    "limitPrice": 81.25,
    "type": 1,
    "id": 2,
    "brokerId": ["1001"],
    "symbol": SYMBOL,
    "time": "2025-02-03T14:30:00Z",
    "lastUpdateTime": None,
    "quantity": 40.0,
    "status": 1,
    "tag": "é",
    "properties": {"timeInForce": {}},
    "direction": 0,
    "orderSubmissionData": {"bidPrice": 81.1, "askPrice": 81.3, "lastPrice": 81.2},
    "isMarketable": True,
    "events": [],
}
_COMBO = {
    "type": 10,
    "id": 3,
    "symbol": OPTION,
    "time": "2025-02-03T14:30:00Z",
    "createdTime": "2025-02-03T14:30:00",
    "quantity": -7.9228162514264338e28,
    "status": 1,
    "properties": {"timeInForce": {"$type": "X.GoodTilDateTimeInForce", "Expiry": "2025-03-01T00:00:00"}, "a": True},
    "direction": 1,
    "groupOrderManager": {"id": 1, "quantity": -1.0, "count": 2, "orderIds": [2, 3], "direction": 1},
}
_TRAILING = {
    "trailingAmount": 0.05,
    "trailingPercentage": True,
    "stopPrice": 77.0,
    "type": 11,
    "id": 4,
    "symbol": "KRNL",
    "time": None,
    "createdTime": "2025-02-03T15:00:00Z",
    "quantity": -2,
    "status": "Submitted",
    "properties": {"Duration": 2, "DurationValue": "2025-03-01T00:00:00Z"},
    "direction": None,
}
_OLD_EVENT = {
    "id": "L-1-5-1",
    "algorithm-id": "L-1",
    "order-id": 5,
    "order-event-id": 1,
    "symbol": "KRNL X1",
    "time": 1738593000.1234,
    "status": "filled",
    "fill-price": 81.2,
    "direction": "buy",
}
_OLD_SYMBOL = {"Value": "KRNL", "ID": "KRNL X1", "Permtick": "KRNL"}
_OLD_ORDER = {
    "Type": 0,
    "Id": 5,
    "BrokerId": [5],
    "Symbol": _OLD_SYMBOL,
    "Price": 81,
    "Time": "2025-02-03T14:30:00Z",
    "Quantity": 40.0,
    "Status": 3,
    "Properties": {"TimeInForce": 1},
    "Direction": 0,
}
_ENGINE_EVENT = {
    "OrderId": 5,
    "Id": 1,
    "Symbol": _OLD_SYMBOL,
    "UtcTime": "2025-02-03T14:30:01Z",
    "Status": {"Status": "Filled"},
    "OrderFee": {"Value": {"Amount": 1.5, "Currency": "USD"}},
    "Direction": "Buy",
}

FULL_EVENT: Final = {
    "id": "L-1-1-1",
    "algorithmId": "L-1",
    "orderId": 1,
    "orderEventId": 1,
    "symbol": "KRNL X1",
    "symbolValue": "KRNL",
    "symbolPermtick": "KRNL",
    "time": 1738593000.5,
    "status": "filled",
    "orderFeeAmount": 1.5,
    "orderFeeCurrency": "USD",
    "fillPrice": 81.25,
    "fillPriceCurrency": "USD",
    "fillQuantity": 2.0,
    "direction": "buy",
    "message": "m",
    "isAssignment": False,
    "quantity": 2.0,
    "stopPrice": 80.5,
    "limitPrice": 81.5,
    "isInTheMoney": False,
}
FULL_ORDER: Final = {
    "trailingAmount": 0.5,
    "trailingAsPercentage": True,
    "triggerPrice": 80.25,
    "stopPrice": 80.5,
    "stopTriggered": False,
    "limitPrice": 81.5,
    "triggerTouched": False,
    "type": 3,
    "id": 1,
    "contingentId": 0,
    "brokerId": ["1"],
    "symbol": {"value": "KRNL", "id": "KRNL X1", "permtick": "KRNL", "underlying": {"value": "U", "id": "U X1"}},
    "price": 81.25,
    "priceCurrency": "USD",
    "time": "2025-02-03T14:30:00Z",
    "createdTime": "2025-02-03T14:30:00Z",
    "lastFillTime": "2025-02-03T14:31:00Z",
    "lastUpdateTime": "2025-02-03T14:31:00Z",
    "canceledTime": "2025-02-03T14:31:00Z",
    "quantity": 2.0,
    "status": 3,
    "tag": "t",
    "properties": {"timeInForce": {}},
    "securityType": 1,
    "direction": 0,
    "value": 162.5,
    "orderSubmissionData": {"bidPrice": 81.0, "askPrice": 81.5, "lastPrice": 81.25},
    "isMarketable": True,
    "priceAdjustmentMode": 1,
    "groupOrderManager": {"id": 1, "quantity": 2.0, "count": 2, "limitPrice": 1.5, "orderIds": [1, 2], "direction": 0},
    "events": [FULL_EVENT],
}
"""Every field that there is, though no order has them all."""

_LINE = {
    "name": "Return",
    "unit": "%",
    "index": 1,
    "seriesType": 3,
    "values": [[1717801200, 0.0], [1717887600, None], {"x": 1717887601, "y": 1.5, "tooltip": "t"}],
    "color": "#4A90E2",
    "scatterMarkerSymbol": "none",
}
_LINES = {"Name": "s", "Values": [[1717801200, 1], [1717801260, -2.5e3], [1717801320, 3.5]]}
_POINTS = {"name": "p", "values": [{"x": 1717801200, "y": 1.0}, {"x": 1717801260, "y": 2.0}]}
_CANDLES = {
    "name": "Equity",
    "seriesType": 2,
    "values": [[1717801200, 1.5, 2.5, 1, 2], [1717801500, None, None, None, None]],
}
_CHART = {"name": "Strategy Equity", "chartType": 0, "series": {"Equity": _CANDLES, "Return": _LINE}}

_STATISTICS = {"Equity": "$100,000.00", "Net Profit": "$-1,234.56", "Up": "0d 00:00:03", "": ""}
_FLAT = {
    "message": "",
    "deployId": "L-1",
    "status": "Running",
    "cloneId": 7002,
    "launched": "2025-02-03 14:00:00",
    "stopped": None,
    "public": True,
    "files": [{"id": None, "projectId": 7001, "name": "main.py", "content": "# é", "modified": "2025-02-03 13:00:00"}],
    "runtimeStatistics": _STATISTICS,
    "serverStatistics": [],
    "charts": {"Strategy Equity": {"name": "Strategy Equity"}},
    "success": True,
}
_CASH = {"securitySymbols": [SYMBOL], "symbol": "USD", "amount": 94000.25, "conversionRate": 1.0}
_HOLDING = {"a": 500.1, "q": 10, "p": 501.0, "up": 0.18}
_OLD_HOLDING = {"Symbol": _OLD_SYMBOL, "Type": 1, "AveragePrice": 80.5, "Quantity": 40, "UnrealizedPnl": 40.0}


def _documented(**results: Tree) -> Tree:
    return {"LiveResults": {"version": 3, "resolution": "minute", "results": results}, "success": True}


def _page(*orders: Tree) -> Tree:
    return {"orders": orders, "length": len(orders), "success": True}


ORDERS: Final[tuple[Tree, ...]] = (
    _page(_MARKET),
    _page(_LIMIT),
    _page(_LIMIT, _MARKET),
    _page(_COMBO),
    _page(_TRAILING),
    _page(_OLD_ORDER | {"Events": [_OLD_EVENT]}),
    _page({"Order": _OLD_ORDER, "Events": [_EVENT]}),
    {"status": "loading", "progress": 0.25, "success": True},
    {"success": False, "errors": ["Hash doesn't match. UID: 1 Hash: 00"], "messages": {"3": "x"}},
)
FLAT: Final[tuple[Tree, ...]] = (_FLAT,)
DOCUMENTED: Final[tuple[Tree, ...]] = (
    _documented(holdings={"KRNL X1": _HOLDING}, cash={"USD": _CASH}, profitLoss={"2025-02-03T14:30:01Z": 12.5}),
    _documented(orders={"2": _LIMIT}, runtimeStatistics=_STATISTICS, charts={"c": {"series": {"p": _POINTS}}}),
    _documented(orderEvents=[_EVENT], statistics=_STATISTICS, profitLoss=[], state=None),
    _documented(Charts={"s": {"Name": "s", "Series": {"s": _LINES}}}, OrderEvents=[_OLD_EVENT], Cash=[]),
    _documented(Holdings=_OLD_HOLDING, Orders={"5": _OLD_ORDER}),
    _documented(OrderEvents=[_ENGINE_EVENT], AlphaRuntimeStatistics={"MeanPopulationScore": {"Direction": 0.5}}),
)
CHARTS: Final[tuple[Tree, ...]] = (
    {"chart": _CHART, "success": True},
    {"chart": {"Name": "c", "Series": {"s": _LINES, "p": _POINTS}, "Symbol": _OLD_SYMBOL}, "success": True},
    {"chart": {"name": "c", "series": {"p": _POINTS}, "legendDisabled": True, "symbol": SYMBOL}, "success": True},
)
PORTFOLIOS: Final[tuple[Tree, ...]] = (
    {"portfolio": {"holdings": {"KRNL X1": _HOLDING, "FLAT": []}, "cash": {"USD": _CASH}}, "success": True},
    {"portfolio": {"Holdings": {"KRNL X1": _OLD_HOLDING}, "Cash": []}, "success": True},
)
LOGS: Final[tuple[Tree, ...]] = (
    {
        "logs": ["2025-02-03 14:30:00 a", "2025-02-03 14:31:00 b\n c"],
        "length": 9,
        "deploymentOffset": 7,
        "success": True,
    },
    {"logs": {"7": "2025-02-03 14:30:00 a", "9": None}, "success": True},
)
_INSIGHT = {
    "id": "a01",
    "groupId": None,
    "sourceModel": "M",
    "generatedTime": 1738593000.25,
    "createdTime": 1738593000.25,
    "closeTime": 1738593060.25,
    "symbol": "KRNL X1",
    "ticker": "KRNL",
    "type": "price",
    "reference": 80.5,
    "referenceValueFinal": 81.5,
    "direction": "down",
    "period": 60.0,
    "magnitude": "0.025",
    "confidence": None,
    "weight": 0.5,
    "scoreIsFinal": True,
    "scoreDirection": "1",
    "scoreMagnitude": "0.25",
    "estimatedValue": "-2.5",
    "tag": None,
}
_OLD_INSIGHT = {
    "id": "a02",
    "generated-time": 1738593000.25,
    "close-time": 1738593060.25,
    "symbol": "KRNL X1",
    "type": "volatility",
    "reference-final": 81.5,
    "direction": "up",
    "period": 60.0,
    "score-final": False,
}
INSIGHTS: Final[tuple[Tree, ...]] = (
    {"insights": [_INSIGHT, _INSIGHT | {"scoreFinal": True}], "length": 2, "success": True},
    {"insights": [_OLD_INSIGHT], "length": None, "success": True},
)
ALL: Final = ORDERS + FLAT + DOCUMENTED + CHARTS + PORTFOLIOS + LOGS + INSIGHTS

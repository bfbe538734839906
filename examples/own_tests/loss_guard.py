"""A service as you might have one: it stops a live project that loses too much. `test_loss_guard.py` tests it."""

import qcasync


async def stop_if_losing(qc: qcasync.Client, project_id: int, most: float) -> qcasync.Outcome | None:
    """Stop a project if its open positions lose more than `most`, in the account's currency.

    Returns:
        What became of the call that stopped it; None if it may go on.

    Raises:
        OutcomeUnknown: Nobody knows whether it was stopped. It was not sent again: a person decides.
    """
    portfolio = await qc.live.read_portfolio(project_id)
    loss = -sum(holding.unrealized_pnl * holding.conversion_rate for holding in portfolio.holdings.values())
    if loss <= most:
        return None
    return await qc.live.stop(project_id)

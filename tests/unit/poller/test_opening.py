"""A watch is opened by `async with`, once; who tries otherwise is told how."""

import pytest

from qcasync.errors import ConfigurationError
from tests.support import world

pytestmark = pytest.mark.anyio

USAGE = r"async with client\.watch\("


async def test_other_ways_to_use_it_say_how_to() -> None:
    async with world() as here:
        project = here.simulator.add_project([1])
        with pytest.raises(ConfigurationError, match=USAGE):
            async for _ in here.client.watch([project.id]):  # type: ignore[attr-defined]
                pytest.fail("it is not open")
        with pytest.raises(ConfigurationError, match=USAGE):
            await here.client.watch([project.id])  # type: ignore[misc]
        with pytest.raises(ConfigurationError, match=USAGE), here.client.watch([project.id]):  # type: ignore[attr-defined]
            pytest.fail("it is not open")
        assert here.transport.in_flight == 0


async def test_it_opens_once() -> None:
    async with world() as here:
        watch = here.client.watch([here.simulator.add_project([1]).id])
        async with watch as changes:
            assert len(changes.projects) == 1
        with pytest.raises(ConfigurationError, match="opened before"):
            async with watch:
                pytest.fail("it was closed")


async def test_the_error_of_the_block_comes_out_as_it_is() -> None:
    async with world() as here:
        error = LookupError("mine")
        with pytest.raises(LookupError) as caught:
            async with here.client.watch([here.simulator.add_project([1]).id]):
                raise error
        assert caught.value is error

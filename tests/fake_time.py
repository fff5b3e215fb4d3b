"""Time that passes only when somebody sleeps."""

import asyncio

from attrs import define, field


@define(eq=False)
class FakeTime:
    """The seams of `Config` for a test: `sleep` records and advances the clock at once."""

    now: float = 1000.0
    sleeps: list[float] = field(factory=list[float])

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def clock(self) -> float:
        return self.now

    @staticmethod
    def random() -> float:
        """The longest delay."""
        return 1.0

"""Find the place of a number in a drawing that is 560 wide and is scaled to where it stands. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

WIDTH = 560
LEFT = 44
_RIGHT, _TOP, _BOTTOM = 96, 10, 24
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Frame:
    """The place of the numbers within the drawing."""

    count: int
    top: float
    height: int
    ends: bool

    @property
    def right(self) -> float:
        """Return where the lines across end; names of series stand behind."""
        return WIDTH - (_RIGHT if self.ends else 8)

    @property
    def step(self) -> float:
        """Return the width of a place along the axis."""
        return (self.right - LEFT) / max(1, self.count)

    @property
    def base(self) -> float:
        """Return the height of the axis."""
        return self.height - _BOTTOM

    def y(self, value: float) -> float:
        """Return the height of a number."""
        return round(self.base - (self.base - _TOP) * value / self.top, 1)

    def middle(self, number: int) -> float:
        """Return the middle of a place along the axis."""
        return round(LEFT + (number + 0.5) * self.step, 1)


def nice(highest: float) -> float:
    """Return the top of the axis: four lines above the base, at numbers that people count in."""
    quarter = max(highest, 1e-9) / 4 if highest else 1.0
    power = 10 ** math.floor(math.log10(quarter))
    return float(next(step * power for step in _STEPS if step * power >= quarter * (1 - 1e-9)) * 4)

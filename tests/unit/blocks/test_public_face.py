from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import prefect_mailroom

BLOCKS = Path(__file__).parents[3] / "blocks"


def test_all_is_sorted_and_loads() -> None:
    assert prefect_mailroom.__all__ == sorted(set(prefect_mailroom.__all__))
    for name in prefect_mailroom.__all__:
        assert getattr(prefect_mailroom, name).__name__ == name
        # `prefect block register -m prefect_mailroom` would make a block type of it, which nobody can use.
        assert (name in dir(prefect_mailroom)) is (name != "Channel")


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = prefect_mailroom.Nothing


@pytest.mark.parametrize(
    "module", ["errors", "text.variables", "text.filenames", "outbound", "text.addresses", "channels.webhook.signing"]
)
def test_renderers_need_no_prefect(module: str) -> None:
    code = f"import sys, prefect_mailroom.{module}; sys.exit('prefect' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=BLOCKS, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_every_block_is_in_the_collection() -> None:
    from prefect_mailroom import collection
    from prefect_mailroom.channels.registry import CHANNELS

    assert {entry.load().__name__ for entry in CHANNELS.values()} <= set(collection.__all__)
    assert collection.__all__ == sorted(collection.__all__)
    assert all(hasattr(collection, name) for name in collection.__all__)

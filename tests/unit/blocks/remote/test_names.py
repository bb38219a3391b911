from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from prefect_mailroom.channels import registry
from prefect_mailroom.channels.files import names as file_names
from prefect_mailroom.channels.remote import names
from prefect_mailroom.channels.sftp.destination import SftpDestination
from prefect_mailroom.errors import ConfigurationError
from tests.support.remote.parcels import parcel_to

TO = SftpDestination(connection="bank", path="in/{date:%Y/%m}/{report_slug}.{ext}")


def test_targets(tmp_path: Path) -> None:
    parcel = parcel_to(TO, tmp_path, {"s.pdf": b"1", "s.xlsx": b"2"})
    assert [str(path) for _, path in file_names.targets(TO.path, parcel)] == [
        "in/2026/02/sales.pdf",
        "in/2026/02/sales.xlsx",
    ]
    with pytest.raises(ConfigurationError) as caught:
        file_names.targets("in/same", parcel)
    assert caught.value.field == "path"


@pytest.mark.parametrize("value", ["../../etc", "..", "/etc/passwd", "a/../../b", "%2e%2e/x", "..\\x", "\0x", "-rf"])
def test_security_14_values_never_leave_their_folder(tmp_path: Path, value: str) -> None:
    parcel = replace(parcel_to(TO, tmp_path, {"s.pdf": b"1"}), variables={"report_name": value})
    try:
        [(_, path)] = file_names.targets("in/{report_name}/{file_name}", parcel)
    except ConfigurationError:
        return
    assert path.parts[0] == "in"
    assert len(path.parts) == 3
    assert ".." not in path.parts


@pytest.mark.parametrize(
    "path", ["../x", "a/../x", "//etc/x", "a//x", "%2e%2e/x", "a\\x", "a\0x", "in/-rf", "x" * 300, ""]
)
def test_security_14_paths_that_are_refused(path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        registry.destination({"channel": "sftp", "connection": "bank", "path": path})
    assert caught.value.field == "path"


def test_slash_at_the_beginning_is_the_connections_folder() -> None:
    with_slash: Any = registry.destination({"channel": "sftp", "connection": "bank", "path": "/in/{date}.{ext}"})
    without = SftpDestination(connection="bank", path="in/{date}.{ext}")
    assert with_slash == without
    assert with_slash.for_test("ada@example.com").path == "test/in/{date}.{ext}"


def test_test_makes_its_folder() -> None:
    tested = SftpDestination(connection="bank", make_folders=False).for_test("ada@example.com")
    assert tested.make_folders


def test_variants_are_the_same_row_for_every_attempt(tmp_path: Path) -> None:
    parcel = parcel_to(TO, tmp_path, {"s.pdf": b"1"})
    path = PurePosixPath("in/sales.pdf")
    row = [str(one) for one in file_names.variants(path, parcel)]
    assert row[:3] == ["in/sales.pdf", "in/sales-20260209T090000.pdf", "in/sales-20260209T090000-2.pdf"]
    assert row == [str(one) for one in file_names.variants(path, replace(parcel, attempt=2))]
    assert len(set(row)) == 100


def test_every_name_fits(tmp_path: Path) -> None:
    parcel = parcel_to(TO, tmp_path, {"s.pdf": b"1"})
    path = PurePosixPath("in") / ("東" * 83 + ".pdf")
    made = [names.temporary(path, "key", 12_345), *islice(file_names.variants(path, parcel), 100)]
    assert all(len(one.name.encode()) <= 255 and one.parent == path.parent for one in made)
    assert len(set(made)) == len(made)


def test_temporary_names_differ_by_key_path_and_attempt() -> None:
    path = PurePosixPath("in/a.csv")
    made = {
        names.temporary(path, "key", 1),
        names.temporary(path, "key", 2),
        names.temporary(path, "other key", 1),
        names.temporary(PurePosixPath("in/b.csv"), "key", 1),
    }
    assert len(made) == 4
    assert all(one.name.startswith(".") for one in made)


def test_leftovers() -> None:
    path = PurePosixPath("in/a.csv")
    assert names.leftovers(path, "key", 1) == []
    assert names.leftovers(path, "key", 3) == [names.temporary(path, "key", 1), names.temporary(path, "key", 2)]
    assert len(names.leftovers(path, "key", 1000)) == 50

"""The data folder: private, one `up` at a time, keys made once."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from embedded import data_dir
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError
from tests.support.file_calls import recorded


def _settings(folder: Path, **values: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, "api_key": "", **values})


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_private(tmp_path: Path) -> None:
    data_dir.prepare(_settings(tmp_path / "new" / "deep"))

    assert _mode(tmp_path / "new" / "deep") == 0o700


def test_a_file_in_its_place_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="file") as refused:
        data_dir.prepare(_settings(tmp_path / "file"))
    assert refused.value.field == "MAILROOM_DATA_DIR"


def test_a_full_disk_is_refused_with_the_figures(tmp_path: Path) -> None:
    left = data_dir.free_mb(tmp_path)

    with pytest.raises(ConfigurationError, match=rf"at least {left + 10**6} MB are needed"):
        data_dir.prepare(_settings(tmp_path, min_free_mb=left + 10**6))


def test_a_second_lock_is_refused_and_names_the_holder(tmp_path: Path) -> None:
    with data_dir.locked(tmp_path):  # noqa: SIM117  the second must fail inside the first
        with pytest.raises(ConfigurationError, match=r"in use by another Mailroom \(process \d+\)"):
            with data_dir.locked(tmp_path):
                pass
    with data_dir.locked(tmp_path):
        pass  # Free again.


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    data_dir.prepare(settings)

    key, secret = data_dir.api_key(settings), data_dir.encryption_key(settings)

    assert len(key) >= 32
    assert len(base64.urlsafe_b64decode(secret)) == 32
    assert (data_dir.api_key(settings), data_dir.encryption_key(settings)) == (key, secret)
    assert _mode(tmp_path / "api-key") == _mode(tmp_path / "prefect-encryption-key") == 0o600


def test_a_key_and_its_name_are_synced_before_it_is_used(tmp_path: Path) -> None:
    with recorded() as calls:
        data_dir.encryption_key(_settings(tmp_path))
    key = (tmp_path / "prefect-encryption-key").stat()
    assert [one[1:3] for one in calls.synced][:1] == [(key.st_ino, key.st_size)]
    assert [one[1] for one in calls.synced][1:] == [tmp_path.stat().st_ino]


def test_a_key_from_the_settings_writes_no_file(tmp_path: Path) -> None:
    assert data_dir.api_key(_settings(tmp_path, api_key="from-the-environment")) == "from-the-environment"
    assert not (tmp_path / "api-key").exists()


def test_a_key_that_another_process_is_about_to_write_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "api-key").touch()
    monkeypatch.setattr("time.sleep", lambda _: (tmp_path / "api-key").write_text("k" * 40))

    assert data_dir.api_key(_settings(tmp_path)) == "k" * 40


def test_an_empty_key_file_is_refused_rather_than_used(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("\n")

    with pytest.raises(ConfigurationError, match="is empty"):
        data_dir.api_key(_settings(tmp_path))

"""One reader of the environment and of netra.toml."""

from __future__ import annotations

import pytest

from models.errors import BadInput
from pipeline.settings import read_settings


def test_defaults_put_everything_inside_home(tmp_path):
    settings = read_settings(tmp_path)
    assert settings.url == f"sqlite:///{tmp_path}/netra.sqlite"
    assert settings.key_file.parent == settings.evidence_directory.parent == tmp_path


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / "netra.toml").write_text("retention_days = 10\n[web]\nport = 9000\n")
    assert read_settings(tmp_path).web.port == 9000
    monkeypatch.setenv("NETRA_WEB__PORT", "9001")
    monkeypatch.setenv("NETRA_RETENTION_DAYS", "20")
    settings = read_settings(tmp_path)
    assert (settings.web.port, settings.retention_days) == (9001, 20)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("retention_days = \n", "line 1"),
        ("retention_dayz = 3", "retention_dayz"),
        ("retention_days = 0", "retention_days"),
        ("[web]\nport = 99999", "web.port"),
        ("[crawl]\nallowed_hosts = ['nowhere']", "crawl.allowed_hosts"),
        ("[crawl]\nallowed_hosts = ['a.example:²']", "crawl.allowed_hosts"),
        ("retention_days = 99999999999", "retention_days"),
    ],
)
def test_a_wrong_setting_is_one_error_that_names_file_and_place(tmp_path, text, named):
    (tmp_path / "netra.toml").write_text(text)
    with pytest.raises(BadInput) as caught:
        read_settings(tmp_path)
    assert "netra.toml" in str(caught.value)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_environment_variable_that_cannot_be_read_is_one_error(tmp_path, monkeypatch):
    monkeypatch.setenv("NETRA_WEB", "bukan-json")
    with pytest.raises(BadInput, match=r"environment: .*web"):
        read_settings(tmp_path)

"""The environment is read when it is used, and what means nothing is refused."""

from pathlib import Path

import pytest

from mindspore_hub.errors import SettingsError
from mindspore_hub.settings import Settings


def test_settings_come_from_the_environment_as_it_is_now(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = {
        "HOME": str(tmp_path),
        "MSHUB_OFFLINE": "1",
        "MSHUB_MIRRORS": " /a, https://b/c ,",
        "MSHUB_TIMEOUT": "2.5",
        "MSHUB_RETRIES": "7",
        "MSHUB_NO_PROGRESS": "0",
        "MSHUB_HOME": "~/store",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == Settings(
        home=tmp_path / "store",
        offline=True,
        mirrors=("/a", "https://b/c"),
        timeout=2.5,
        retries=7,
        progress=True,
    )


@pytest.mark.parametrize(
    ("name", "what"), [("MSHUB_TIMEOUT", "a number"), ("MSHUB_RETRIES", "a whole number")]
)
@pytest.mark.parametrize("value", ["abc", "-1", "nan", "inf"])
def test_a_setting_that_is_no_number_is_refused(
    name: str, what: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(name, value, monkeypatch) == (
        f"{name} must be {what} of at least 0, but is {value!r}; correct it or unset it."
    )


def test_attempts_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a whole number" in refusal("MSHUB_RETRIES", "1.7", monkeypatch)


@pytest.mark.parametrize("value", ["~nobody-by-this-name/x", " "])
def test_a_folder_that_cannot_be_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = f"MSHUB_HOME must be the path of a folder, but is {value!r}."
    assert refusal("MSHUB_HOME", value, monkeypatch) == expected


@pytest.mark.parametrize(
    "value", ["ftp://host/x", "https://", "file://%00", "file://x", "~nobody-by-this-name/x"]
)
def test_a_mirror_that_cannot_be_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal("MSHUB_MIRRORS", f"/good,{value}", monkeypatch)
    assert message.startswith("MSHUB_MIRRORS must ")
    assert repr(value) in message


def refusal(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said of a variable with this value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    return str(caught.value)

"""The environment is read when it is used, and what means nothing is refused."""

from pathlib import Path

import pytest

from mindspore_hub.errors import SettingsError
from mindspore_hub.settings import Settings, expand


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
        "MSHUB_EXTRA_CACHES": "/b, ~/c",
        "MSHUB_ALLOWED_HOSTS": "Models.example.org, *.Example.org",
        "MSHUB_VERIFY": " Always",
        "MSHUB_MAX_SIZE": "1000",
        "MSHUB_CPU_TUNING": "off",
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
        extra_caches=(Path("/b"), tmp_path / "c"),
        allowed_hosts=("models.example.org", "*.example.org"),
        verify="always",
        max_size=1000,
        cpu_tuning=False,
    )


def test_settings_without_a_variable_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MSHUB_HOME", "MSHUB_NO_PROGRESS", "MSHUB_RETRIES"):
        monkeypatch.delenv(name)
    assert Settings.from_environment() == Settings(
        home=Path.home() / ".mscache", timeout=30.0, retries=3, max_size=100_000_000_000
    )


@pytest.mark.parametrize("value", ["0", "False", " no ", "OFF", ""])
def test_a_switch_is_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSHUB_OFFLINE", value)
    assert not Settings.from_environment().offline


def test_a_limit_may_be_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSHUB_MAX_SIZE", "0")
    assert Settings.from_environment().max_size == 0


@pytest.mark.parametrize("value", ["https://host", "host/x", "a host", "host:443", "*.", "x*"])
def test_a_host_that_cannot_be_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal("MSHUB_ALLOWED_HOSTS", f"good.example,{value}", monkeypatch) == (
        "MSHUB_ALLOWED_HOSTS must name hosts, such as models.example.org or *.example.org, "
        f"but holds {value!r}."
    )


def test_a_word_that_is_no_choice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal("MSHUB_VERIFY", "never", monkeypatch) == (
        "MSHUB_VERIFY must be memo or always, but is 'never'; correct it or unset it."
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


def test_a_path_that_no_system_takes_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        expand("a\0b", "dir_path")
    assert str(caught.value) == "dir_path must be the path of a folder, but is 'a\\x00b'."


@pytest.mark.parametrize(
    "value",
    [
        "ftp://host/x",
        "https://",
        "file://%00",
        "file:///a%00b",
        "file://x",
        "~nobody-by-this-name/x",
    ],
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

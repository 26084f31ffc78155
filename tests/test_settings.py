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


def test_a_failed_download_may_be_given_no_further_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSHUB_RETRIES", "0")
    assert Settings.from_environment().retries == 0


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
    ("name", "expected", "values"),
    [
        ("MSHUB_TIMEOUT", "a number from 0.001 to 86400", ["0", "86401", "1e300"]),
        ("MSHUB_RETRIES", "a whole number from 0 to 1000", ["1.7", "1001"]),
        ("MSHUB_MAX_SIZE", f"a whole number from 1 to {2**63 - 1}", ["0", "1e9", str(2**63)]),
    ],
)
def test_a_setting_that_is_no_number_within_its_bounds_is_refused(
    name: str, expected: str, values: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in [*values, "abc", "-1", "nan", "inf"]:
        assert refusal(name, value, monkeypatch) == (
            f"{name} must be {expected}, but is {value!r}; correct it or unset it."
        )


@pytest.mark.parametrize(
    ("name", "attribute", "default"),
    [
        ("MSHUB_OFFLINE", "offline", False),
        ("MSHUB_NO_PROGRESS", "progress", True),
        ("MSHUB_CPU_TUNING", "cpu_tuning", True),
    ],
)
def test_a_switch_is_on_or_off_and_nothing_else(
    name: str, attribute: str, default: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def switched(value: str) -> bool:
        monkeypatch.setenv(name, value)
        found = getattr(Settings.from_environment(), attribute)
        return found != (name == "MSHUB_NO_PROGRESS")

    assert all(map(switched, ["1", "true", "Yes", " ON "]))
    assert not any(map(switched, ["0", "FALSE", "no", "off"]))
    monkeypatch.setenv(name, " ")
    assert getattr(Settings.from_environment(), attribute) is default
    for value in ("banana", "maybe", "2", "-1"):
        message = refusal(name, value, monkeypatch)
        assert message.startswith(f"{name} must be 1 or 0 (or true, ")
        assert repr(value) in message


@pytest.mark.parametrize("value", ["~nobody-by-this-name/x", " "])
def test_a_folder_that_cannot_be_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = f"MSHUB_HOME must be the path of a folder, but is {value!r}."
    assert refusal("MSHUB_HOME", value, monkeypatch) == expected


def test_without_a_home_folder_the_store_is_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MSHUB_HOME")
    monkeypatch.setenv("HOME", "~")  # as good as none; nobody can be made to be no user
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    assert str(caught.value) == (
        "There is no home folder for '~/.mscache' to be in; set MSHUB_HOME to a folder."
    )


@pytest.mark.parametrize("value", ["file:///mnt/x", "file://localhost/x", "HTTPS://[::1]:8443/x"])
def test_a_mirror_may_be_a_server_or_a_folder_of_this_machine(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSHUB_MIRRORS", value)
    assert Settings.from_environment().mirrors == (value,)


def test_a_path_that_no_system_takes_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        expand("a\0b", "dir_path")
    assert str(caught.value) == "dir_path must be the path of a folder, but is 'a\\x00b'."


@pytest.mark.parametrize(
    "value",
    [
        "ftp://host/x",
        "https://",
        "https://[::1",
        "http://h:abc/",
        "http://h:99999/",
        "http://h:0/",
        "http://h\\x/",
        "http://h\x1b/",
        "file://%00",
        "file://x",
        "file://host/x",
        "file:///a%00b",
        "~nobody-by-this-name/x",
    ],
)
def test_a_mirror_that_cannot_be_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal("MSHUB_MIRRORS", f"/good,{value}", monkeypatch)
    assert message.startswith("MSHUB_MIRRORS must ")
    assert repr(value) in message


def test_the_password_of_a_refused_mirror_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal("MSHUB_MIRRORS", "https://me:p@ss@host:port/x", monkeypatch)
    assert "'https://***@host:port/x'" in message


def refusal(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said of a variable with this value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    return str(caught.value)

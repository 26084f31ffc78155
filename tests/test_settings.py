"""The environment is read when it is used, and what means nothing is refused."""

import re
from contextlib import suppress
from pathlib import Path

import commands
import pytest

import mindspore_hub
from mindspore_hub.errors import SettingsError
from mindspore_hub.files.records import note_use, read_refs
from mindspore_hub.settings import Settings, expand, shown_address


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


@pytest.mark.parametrize("name", ["MSHUB_HOME", "MSHUB_EXTRA_CACHES"])
def test_an_address_is_no_folder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(name, "https://me:SECRET@host/x", monkeypatch)
    assert message == f"{name} must be the path of a folder, but is 'https://***@host/x'."


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


SECRETS = {
    "http://user:SECRET@host/x": "http://***@host/x",
    "http://user:p@SECRET@host:8080/x": "http://***@host:8080/x",
    "http://SECRET@host/x": "http://***@host/x",
    "http://user:p/SECRET@host/x": "http://***@host/x",
    "http://user:1/SECRET@host/x": "http://***@host/x",
    "http://user:p#SECRET@host/x": "http://***",
    "http://user:p?SECRET@host/x": "http://***",
    "http://user:1?SECRET@host/x": "http://***",
    "http://user:p@SECRET?x@host/x": "http://***",
    "https://host/x?token=SECRET": "https://host/x?***",
    "https://host:1/x?token=SECRET@SECRET": "https://***",
    "https://host/x?token=SECRET@SECRET#SECRET": "https://host/x?***",
    "https://host/x#SECRET": "https://host/x#***",
    "HTTPS://user:SECRET@[::1]:8443/x": "HTTPS://***@[::1]:8443/x",
    "http:///user:SECRET@host/x": "http://***@host/x",
    "http:user:SECRET@host/x": "***@host/x",
    "file:///mnt/x?SECRET": "file:///mnt/x?***",
    "user:SECRET@host/x": "***@host/x",
    "user:p/SECRET@host/x": "***@host/x",
    "user:p?SECRET@host/x": "***",
    "//user:SECRET@host/x": "***@host/x",
    "http:/user:SECRET@host/x": "***@host/x",
    "user:SECRET@host/x?u=http://y": "***@host/x",
    "https://me:SECRET@host/x#SECRET": "https://***@host/x",
    "host/x?token=SECRET": "host/x?***",
}


@pytest.mark.parametrize("address", SECRETS)
def test_what_may_be_secret_in_an_address_is_not_shown(address: str) -> None:
    assert shown_address(address) == SECRETS[address]


@pytest.mark.parametrize(
    "text",
    [
        "https://host/models@v1/x.ckpt",
        "https://host:8080/x.ckpt",
        "file:///mnt/models@v1/x",
        "/mnt/models@v1/a#b",
        "~/models@v1",
        "models/v1",
        "",
    ],
)
def test_addresses_and_folders_without_a_secret_are_shown_whole(text: str) -> None:
    assert shown_address(text) == text


@pytest.mark.parametrize("address", SECRETS)
def test_no_output_shows_what_is_secret_in_a_mirror(address: str, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    link = "https://localhost:1/x.ckpt"
    card.write_text(commands.CARD.format(link=link, sha256="0" * 64), encoding="utf-8")
    mirror = re.sub(r"\bhost\b(:\d+)?", "localhost:1", address)
    for words in (("env",), ("env", "--format", "json"), ("download", card)):
        done = commands.run(*words, cwd=tmp_path, MSHUB_MIRRORS=mirror)
        assert "SECRET" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert not any("SECRET" in path.read_text() for path in tmp_path.rglob("*.json"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSHUB_MIRRORS", mirror)
        with suppress(SettingsError):
            assert "SECRET" not in repr(Settings.from_environment())


def test_a_host_with_a_password_is_refused_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal("MSHUB_ALLOWED_HOSTS", "user:SECRET@host", monkeypatch)
    assert "'***@host'" in message


@pytest.mark.parametrize(
    "name", ["MSHUB_OFFLINE", "MSHUB_VERIFY", "MSHUB_TIMEOUT", "MSHUB_RETRIES", "MSHUB_MAX_SIZE"]
)
def test_an_address_in_the_wrong_variable_is_refused_without_its_secret(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "://***@host" in refusal(name, "https://user:secret@host/x?secret", monkeypatch)
    assert "secret" not in refusal(name, "https://user:secret@host/x?secret", monkeypatch)


@pytest.mark.parametrize(
    "words", ["info", "download", "inspect", "card check", "match", "load --trust"]
)
def test_no_message_shows_what_is_secret_in_an_address_given_for_a_name(words: str) -> None:
    done = commands.run(*words.split(), "https://user:SECRET@host/x.ckpt?token=SECRET")
    assert done.returncode in {2, 3}
    assert "https://***@host/x.ckpt" in done.stderr
    assert "SECRET" not in done.stdout + done.stderr


def test_the_store_notes_no_secret_of_a_link(tmp_path: Path) -> None:
    note_use(tmp_path, "a/b", "0" * 64, "https://me:SECRET@host/x.ckpt?token=SECRET")
    assert [ref.link for ref in read_refs(tmp_path)] == ["https://***@host/x.ckpt"]


FOLDERS = {
    "$HOME/cache": "/home/me/cache",
    "${HOME}/cache": "/home/me/cache",
    "~/cache": "/home/me/cache",
    "$BASE": "/data set",
    "$BASE/$NAME/x": "/data set/n/x",
    "${BASE}x": "/data setx",
    "/x\r\n": "/x",
    " /x y\t": "/x y",
    "/home/O'Brien/x": "/home/O'Brien/x",
    "/100%/x": "/100%/x",
}


@pytest.mark.parametrize("name", ["MSHUB_HOME", "MSHUB_EXTRA_CACHES", "MSHUB_MIRRORS"])
@pytest.mark.parametrize("value", FOLDERS)
def test_variables_in_a_folder_are_expanded_and_blanks_around_it_taken_off(
    value: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, content in (("HOME", "/home/me"), ("BASE", "/data set\r"), ("NAME", "n")):
        monkeypatch.setenv(variable, content)
    monkeypatch.setenv(name, value)
    settings = Settings.from_environment()
    found = {
        "MSHUB_HOME": settings.home,
        "MSHUB_EXTRA_CACHES": (*settings.extra_caches, None)[0],
        "MSHUB_MIRRORS": (*settings.mirrors, None)[0],
    }
    assert str(found[name]) == FOLDERS[value]


@pytest.mark.parametrize("name", ["MSHUB_HOME", "MSHUB_EXTRA_CACHES", "MSHUB_MIRRORS"])
@pytest.mark.parametrize(
    "value",
    [
        '"/x"',
        "'/x'",
        '"/x',
        "/x'",
        '$HOME/"my cache"',
        "/'x'/y",
        "“/x”",
        "%APPDATA%\\x",
        "/x/%USER%",
        "$UNSET_BY_ALL/x",
        "${UNSET_BY_ALL}",
        "$EMPTY/x",
        "${HOME:-/x}/y",
        "$(pwd)/x",
        "/x$",
        "/x\ry",
    ],
)
def test_a_folder_that_another_program_should_have_read_is_refused(
    value: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMPTY", "")
    message = refusal(name, value, monkeypatch)
    assert message.startswith(f"{name} ")
    assert repr(value) in message


def test_no_folder_is_made_for_a_refused_setting(folder: Path) -> None:
    for value in ('"quoted"', "$UNSET_BY_ALL", "%APPDATA%\\x"):
        done = commands.run("cache", "ls", cwd=folder, MSHUB_HOME=value)
        assert done.returncode == 2, done.stderr
        assert repr(value) in done.stderr
        with pytest.raises(SettingsError, match="dir_path"):
            mindspore_hub.set_hub_dir(value)
    assert list(folder.iterdir()) == []


def refusal(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said of a variable with this value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    return str(caught.value)

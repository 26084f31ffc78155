"""Licences: which names mean Apache 2.0, and which sentences contradict the front matter."""

import re
from pathlib import Path

import pytest
import rule_cases

from mindspore_hub.checking.check import check_document
from mindspore_hub.checking.rules import select
from mindspore_hub.hub.document import parse_document

CARD = rule_cases.base_texts()[rule_cases.CARD].partition("\n## License")[0]
HEAD, _, USAGE = CARD.partition("## Usage")


def found(code: str, text: str) -> list[tuple[int, str]]:
    """Line and message of what a rule finds in a card."""
    document = parse_document(text, Path("card.md"))
    return [(item.line, item.message) for item in check_document(document, select([code]))]


def with_license(name: str) -> str:
    return re.sub(r"(?m)^license: .*", f'license: "{name}"', CARD)


def contradictions(body: str) -> list[str]:
    """Licences that a short body is found to state in contradiction to Apache 2.0."""
    text = f"{HEAD}{body}\n\n## Usage{USAGE}"
    return [message.split("states ")[1].split(",")[0] for _, message in found("C517", text)]


@pytest.mark.parametrize(
    "name",
    [
        *("Apache2.0", "Apache-2.0", "Apache 2.0", "apache 2", "Apache License 2.0", "Apache v2"),
        *("The Apache License, Version 2.0", "Apache 2.0 License", "Apache License v2.0"),
        *("Apache-2.0 License", "apache licence, version 2", "APACHE LICENSE VERSION 2.0"),
        *("Apache Software License 2.0", "apache_2.0", "ApacheLicense2.0", "Apache v. 2.0"),
        *("Apache License Version 2.0, January 2004", "Apache License, Vers. 2.0"),
    ],
)
def test_every_usual_name_of_apache_2_is_known(name: str) -> None:
    assert found("V214", with_license(name)) == []


@pytest.mark.parametrize(
    "name", ["MIT", "Apache", "Apache 1.1", "Apache-1.0", "Apache 2.1", "GPL-2.0", "BSD 2", "2.0"]
)
def test_other_licences_are_not_apache_2(name: str) -> None:
    assert len(found("V214", with_license(name))) == 1


@pytest.mark.parametrize(
    "sentence",
    [
        "The data are licensed under CC BY 4.0.",
        "Pictures are under a Creative Commons licence.",
        "The data set is released under the MIT License.",
        "The model's training images are licensed under CC BY 4.0.",
        "Annotations and labels: licensed under CC BY-NC 4.0.",
        "The images of the model are under the MIT License.",
        "Parts of the loader come from X, which is licensed under the MIT License.",
        "The backbone is licensed under the BSD licence.",
        "The code of the loader is taken from X, which is under the MIT License.",
        "Videos\nare licensed\nunder the MIT License.",
        "The database is licensed under CC BY 4.0.",
        "Photographs and audio are under CC BY 4.0.",
        "License of the images: CC BY-NC 4.0",
        "The code is licensed under the Apache License 2.0. Labels are under the MIT License.",
        "The code is under the Apache 2.0 licence and the MIT License.",
    ],
)
@pytest.mark.parametrize("begin", ["", "## License\n\n"])
def test_the_licence_of_other_things_contradicts_nothing(begin: str, sentence: str) -> None:
    assert contradictions(begin + sentence) == []


@pytest.mark.parametrize(
    ("body", "stated"),
    [
        ("The code is licensed under the MIT License.", "MIT"),
        ("The weights are under the GPL-3.0 licence.", "GPL"),
        ("The network is subject to the Leaf Model License.", "Leaf Model License"),
        ("This project\nis licensed under the\nMIT License.", "MIT"),
        ("Code and data are licensed under the MIT License.", "MIT"),
        ("The model was trained on images and is licensed under the MIT License.", "MIT"),
        ("The data are under CC BY 4.0. The code is licensed under the MIT License.", "MIT"),
        ("The code is licensed under the MIT License, available from its authors.", "MIT"),
        ("## License\n\nGPL-3.0.", "GPL"),
        ("## 5. Licence\n\nBSD-3-Clause", "BSD"),
        ("### License\n\n- MIT", "MIT"),
        ("License\n-------\n\nGPLv3", "GPLv3"),
        ("License of the weights: CC BY-NC 4.0", "CC BY"),
        ("The licence for our code is MIT.", "MIT"),
        ("## License\n\nGNU General Public License v3", "GNU General Public License"),
        ("## License\n\nEverything here is under the MIT License.", "MIT"),
    ],
)
def test_the_licence_of_the_work_is_compared_however_short_the_card(body: str, stated: str) -> None:
    assert contradictions(body) == [stated]


@pytest.mark.parametrize(
    "body",
    [
        "## License\n\nSee the License.",
        "## License\n\nApache-2.0.",
        "## Usage notes\n\nMIT is a place.",
        "## Data set license\n\nCC BY 4.0",
        "## License\n\nApache License, Version 2.0\n\n## Citation\n\nWritten at MIT.",
    ],
)
def test_names_that_state_nothing_about_the_work_are_no_finding(body: str) -> None:
    assert contradictions(body) == []


@pytest.mark.parametrize(
    ("own", "body"),
    [
        ("GPL-3.0", "The code is under the GNU General Public License v3."),
        ("GNU General Public License v3", "## License\n\nGPLv3"),
        ("LGPL-2.1", "The code is under the GNU Lesser General Public License, version 2.1."),
        ("AGPL-3.0", "## License\n\nGNU Affero General Public License"),
    ],
)
def test_long_and_short_names_of_a_licence_are_the_same(own: str, body: str) -> None:
    assert found("C517", with_license(own).replace("## Usage", f"{body}\n\n## Usage")) == []


def test_a_contradiction_stands_where_the_name_does() -> None:
    text = f"{HEAD}Some words. The code is\nlicensed under the MIT License.\n"
    (item,) = check_document(parse_document(text, Path("card.md")), select(["C517"]))
    assert text.split("\n")[item.line - 1][item.column - 1 :].startswith("MIT")

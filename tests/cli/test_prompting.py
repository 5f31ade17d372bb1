"""What `modos create` and `modos add` ask on a terminal: offered, judged while it is typed, taken back, shown, then done."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from modos import MODO
from modos.cli.prompting import session
from modos.cli.prompting.questions import Back, Question, answered
from modos.cli.prompting.scripts import Described, additions, new_object
from modos.cli.prompting.slots import Known, file_question, owner_question, slot_question
from modos.cli.prompting.terminal import Terminal, _completer
from modos.errors import InvalidInputError
from modos.model import ElementId
from modos.model.schema import CLASSES

pytestmark = pytest.mark.thorough

KNOWN = Known("ex", {ElementId("sample", "s1"): "Sample", ElementId("assay", "a1"): "Assay"})


class Person:
    """Answers questions from a list; `<` goes back, and refused answers fail."""

    def __init__(self, *answers: str) -> None:
        self.answers = [*answers]
        self.asked: list[str] = []

    def ask(self, question: Question) -> str:
        question.preface()
        self.asked.append(question.label)
        answer = self.answers.pop(0)
        assert question.refusal(answer) == "", (question.label, answer)
        if answer == "<":
            raise Back
        return answer or question.default

    def go_through(self, script) -> Described:
        return answered(script, self.ask, lambda error: self.asked.append(f"({error})"))


def no_summary(_: Described) -> str:
    return ""


def adding(*answers: str, known: Known = KNOWN, summary=no_summary) -> tuple[Person, Described]:
    person = Person(*answers)
    return person, person.go_through(lambda: additions("ex", known, {".fastq.gz": "FASTQ", ".gz": "?"}, summary))


def test_required_slots_come_first_and_optional_ones_are_offered():
    """Class, what it needs with as many values as there are, then others by name until there are no more."""
    answers = ["Assay", "a2", "GENOMICS", "PROTEOMICS", "", "has_sample", "s1", "name", "Two", "", "ex", "no", "yes"]
    person, described = adding(*answers)
    element = {
        "@type": "Assay",
        "id": "a2",
        "name": "Two",
        "has_sample": ["s1"],
        "omics_type": ["GENOMICS", "PROTEOMICS"],
    }
    assert [(entry.element, entry.args) for entry in described.entries] == [(element, {"part_of": "ex"})]
    assert described.agreed
    assert person.asked == [
        "kind of element",
        "id",
        "omics_type",
        "omics_type, one more",
        "omics_type, one more",
        "another slot",
        "has_sample",
        "another slot",
        "name",
        "another slot",
        "part of",
        "add another element",
        "do this",
    ]


def test_a_file_tells_id_and_format(tmp_path):
    """By its name; what it is called in the object, and its checksum, are not asked for."""
    reads = tmp_path / "reads.fastq.gz"
    reads.touch()
    _, described = adding("DataEntity", str(reads), "", "", "", "a1", "no", "yes")
    entry = described.entries[0]
    assert entry.element == {"@type": "DataEntity", "id": "reads", "data_format": "FASTQ"}
    assert entry.args == {"source_file": str(reads), "part_of": "a1"}


def test_any_answer_can_be_taken_back():
    """Also those of an element before, and the last of all; the first question stays."""
    person, described = adding(
        "<",
        "Sample",
        "s2",
        "<",
        "<",
        "Assay",
        "a2",
        "GENOMICS",
        "",
        "",
        "",
        "no",
        "<",
        "<",
        "<",
        "name",
        "Two",
        "",
        "",
        "no",
        "yes",
    )
    assert [entry.element for entry in described.entries] == [
        {"@type": "Assay", "id": "a2", "name": "Two", "omics_type": ["GENOMICS"]}
    ]
    assert person.answers == []


def test_elements_can_link_to_those_before():
    """What is to be added is offered as well as what is there."""
    _, described = adding(
        "Sample", "s2", "", "a1", "yes", "Assay", "a2", "GENOMICS", "", "has_sample", "s1", "s2", "", "", "no", "no"
    )
    assert described.entries[1].element["has_sample"] == ["s1", "s2"]
    assert not described.agreed


def test_what_cannot_be_done_is_told_and_asked_for_again():
    """A summary that is refused, as by the object itself, leads back to the question; nothing is lost."""
    refusals = iter([InvalidInputError("no such thing"), None])

    def summary(_: Described) -> str:
        if error := next(refusals):
            raise error
        return "fine"

    person, described = adding("Sample", "s2", "", "", "no", "yes", summary=summary)
    assert person.asked[-2:] == ["(no such thing)", "do this"]
    assert described.agreed


def test_a_new_object_has_defaults():
    """Its id is the end of its place, its date is today; what was given on the command line is not asked for."""
    person = Person("s3://bucket/study/ex/", "", "", "", "no", "yes")
    described = person.go_through(
        lambda: new_object({"name": "Pilot"}, "2024-01-17T09:30:00+00:00", {}, no_summary, lambda _: None)
    )
    assert [entry.element for entry in described.entries] == [
        {
            "@type": "MODO",
            "id": "ex",
            "name": "Pilot",
            "creation_date": "2024-01-17T09:30:00+00:00",
            "last_update_date": "2024-01-17T09:30:00+00:00",
        }
    ]
    assert person.asked == ["object", "id", "creation_date", "another slot", "add an element", "do this"]


@pytest.mark.parametrize(
    ("class_name", "slot", "right", "wrong", "words"),
    [
        ("Sample", "id", "s 2", "s1", "there is a sample of this id already"),
        ("Sample", "id", "x", "a/b", "has a slash"),
        ("Sample", "sex", "Male", "male", "did you mean 'Male'"),
        ("Sample", "taxon_id", "NCBITaxon:9606", "human", "neither a CURIE"),
        ("Sample", "source_uri", "https://example.org", "a b", "is no URI"),
        ("MODO", "creation_date", "2024-01-17", "yesterday", "is no date"),
        ("Assay", "has_sample", "s1", "s2", "there is no sample of this id; there is s1"),
        ("Assay", "has_sample", "sample/s1", "assay/a1", "is not the id of a sample"),
        ("Assay", "has_data", "", "d1", "there is no data yet; Enter leaves it out"),
        ("ReferenceSequence", "sequence_md5", "0" * 32, "abc", "does not match"),
    ],
)
def test_answers_are_judged_by_the_schema(class_name, slot, right, wrong, words):
    """As the object itself would, letter by letter, with near ones and what is there."""
    question = slot_question(CLASSES[class_name].slots[slot], class_name, KNOWN)
    assert question.refusal(right) == ""
    assert words in question.refusal(wrong)
    assert (question.refusal("") == "") != question.required
    assert question.help.startswith(CLASSES[class_name].slots[slot].description)


def test_only_what_can_link_to_it_is_offered_as_owner():
    """For data the assays, for assays the object, for what nothing links to no question at all."""
    assert [choice.value for choice in owner_question("data", KNOWN).choices] == ["assay/a1"]
    assert [choice.value for choice in owner_question("assay", KNOWN).choices] == ["ex"]
    assert "nothing of this id can link to it" in owner_question("data", KNOWN).refusal("ex")
    assert owner_question("data", Known("ex", {})) is None


def completions(question: Question, text: str) -> dict[str, str]:
    found = _completer(question).get_completions(Document(text), CompleteEvent())
    return {each.text: each.display_meta_text for each in found}


def test_terms_ids_and_files_are_completed(tmp_path):
    """With what terms mean; in any case, and from the middle."""
    sex = slot_question(CLASSES["Sample"].slots["sex"], "Sample", KNOWN)
    assert completions(sex, "mal") == {"Female": "NCIT:C16576", "Male": "NCIT:C20197"}
    assert completions(slot_question(CLASSES["Assay"].slots["has_sample"], "Assay", KNOWN), "") == {"s1": "Sample"}
    assert list(completions(owner_question("data", KNOWN), "a1")) == ["assay/a1"]
    (tmp_path / "reads.fastq").touch()
    assert list(completions(file_question(), f"{tmp_path}/rea")) == ["ds.fastq"]
    assert file_question().refusal(f"{tmp_path}/none") == "there is no such file"


@pytest.mark.parametrize("text", ["~", "~nobody-here", "~nobody-here/reads", "x" * 300], ids=lambda text: text[:20])
def test_any_name_of_a_file_may_be_typed(typing, text):
    """Also the beginning of somebody's home, letter by letter, and what is too long for a name: it is there or not."""
    assert file_question().refusal(text) == ("" if text == "~" else "there is no such file")
    where = Question("object", files=True)
    assert typing(text).ask(where) == (str(Path.home()) if text == "~" else text)


@pytest.fixture
def typing() -> Iterator:
    """Answer by typing into prompt_toolkit."""
    with create_pipe_input() as pipe:

        def typed(*lines: str, end: str = "") -> Terminal:
            pipe.send_text("".join(f"{line}\r" for line in lines) + end)
            return Terminal(input=pipe, output=DummyOutput())

        yield typed


@pytest.mark.parametrize("place", ["local", "s3"], indirect=True)
def test_an_object_with_a_file_is_made_from_answers(place, typing, tmp_path, capsys):
    """In one edit, on a disk and in S3, once its summary has been agreed to; the address is written as by the command."""
    (tmp_path / "reads.fastq").write_text("@r\nA\n+\nI\n")
    where, endpoint = place / "ex", place.options[1] if place.options else None
    terminal = typing(
        *(where, "", "", "name", "Pilot", "", "yes"),
        *("Assay", "a1", "GENOMICS", "", "", "ex", "yes"),
        *("DataEntity", str(tmp_path / "reads.fastq"), "", "", "", "a1", "no", "yes"),
    )
    session.ask_for_object({}, endpoint=endpoint, anon=False, terminal=terminal)

    written = capsys.readouterr()
    assert written.out == f"{where}\n"
    assert "+ file reads.fastq (9 bytes): stored" in written.err
    said = MODO(where, **({"endpoint": endpoint} if endpoint else {})).metadata
    assert said["ex"]["name"] == "Pilot"
    assert said["assay/a1"]["has_data"] == ["data/reads"]
    assert said["data/reads"]["data_format"] == "FASTQ"


@pytest.mark.parametrize("end", ["\x03", "\x04"])
def test_leaving_in_the_middle_changes_nothing(ex, typing, capsys, end):
    """Ctrl-C and the end of input, as well as a no at the end."""
    before = MODO(ex).metadata
    with pytest.raises((KeyboardInterrupt, typer.Abort)):
        session.ask_for_elements(str(ex), endpoint=None, anon=False, terminal=typing("Sample", "s9", end=end))
    assert "nothing is changed" in capsys.readouterr().err
    assert MODO(ex).metadata == before


def test_a_place_with_an_object_is_refused_at_once(ex, typing, capsys):
    """Before anything else is asked; a no at the end makes nothing either."""
    terminal = typing(str(ex), f"{ex}2", "", "", "", "no", "no")
    with pytest.raises(typer.Exit):
        session.ask_for_object({}, endpoint=None, anon=False, terminal=terminal)
    assert f"modos: {ex}: there is a digital object here already" in capsys.readouterr().err
    assert not Path(f"{ex}2").exists()


class Process:
    """A command on a terminal of its own; its results go elsewhere."""

    def __init__(self, *arguments: object, cwd: Path) -> None:
        self.screen, ours = pty.openpty()
        self.shown = ""
        variables = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "NO_COLOR": "1", "COLUMNS": "200"}
        command = [sys.executable, "-m", "modos", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=ours, stderr=ours, stdout=subprocess.PIPE, cwd=cwd, env=variables, start_new_session=True
        )
        os.close(ours)

    def answer(self, question: str, text: str, end: str = "\r") -> None:
        """Wait for a question, then type."""
        deadline = time.monotonic() + 60
        while not re.search(question, self.shown):
            assert time.monotonic() < deadline, self.shown
            if select.select([self.screen], [], [], 0.2)[0]:
                assert self.process.poll() is None, self.shown
                self.shown += re.sub(
                    r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(self.screen, 65536).decode(errors="replace")
                )
        self.shown = ""
        os.write(self.screen, (text + end).encode())

    def finish(self) -> tuple[int, str]:
        """Return exit code and result."""
        out, _ = self.process.communicate(timeout=60)
        os.close(self.screen)
        return self.process.returncode, out.decode()

    def end(self) -> None:
        """Let nothing of it be left when a test has failed."""
        if self.process.poll() is None:
            self.process.kill()
            self.finish()


@pytest.fixture
def run() -> Iterator:
    """Start commands on terminals of their own."""
    started: list[Process] = []

    def run(*arguments: object, cwd: Path) -> Process:
        started.append(Process(*arguments, cwd=cwd))
        return started[-1]

    yield run
    for each in started:
        each.end()


def test_create_asks_on_a_terminal(tmp_path, run):
    """A whole session in a process of its own: questions on the terminal, the address alone on standard output."""
    process = run("create", cwd=tmp_path)
    process.answer("object:", "study")
    process.answer(r"id \[study\]:", "")
    process.answer(r"creation_date \[2\d{3}-.*\]:", "2024-01-17")
    process.answer("another slot:", "description")
    process.answer("description:", "RNA of one donor")
    process.answer("another slot:", "")
    process.answer(r"add an element \[no\]:", "yes")
    process.answer("kind of element:", "Sample")
    process.answer("id:", "donor1")
    process.answer("another slot:", "")
    process.answer(r"add an element \[no\]:", "")
    process.answer(r"\+ sample/donor1 \(Sample\)(.|\n)*2 added(.|\n)*do this \[yes\]:", "")

    assert process.finish() == (0, f"{tmp_path / 'study'}\n")
    said = MODO(tmp_path / "study").metadata
    assert said["study"]["description"] == "RNA of one donor"
    assert said["study"]["creation_date"] == "2024-01-17T00:00:00"
    assert said["sample/donor1"] == {"@type": "Sample"}


@pytest.mark.thorough
def test_add_asks_on_a_terminal(ex, run):
    """What is refused is said while it is typed; ids are those of the object; Ctrl-C ends it, and changes nothing."""
    process = run("add", ex.name, cwd=ex.parent)
    process.answer("kind of element:", "Sample")
    process.answer("id:", "s1", end="")
    process.answer("there is a sample of this id already", "0")
    process.answer("another slot:", "")
    process.answer("part of:", "assay1")
    process.answer(r"add another element \[no\]:", "")
    process.answer(r"has_sample(.|\n)*do this \[yes\]:", "yes")
    assert process.finish() == (0, "sample/s10\n")
    assert MODO(ex).metadata["assay/assay1"]["has_sample"] == ["sample/s10"]

    stopped = run("add", cwd=ex.parent)
    stopped.answer("object:", ex.name)
    stopped.answer("kind of element:", "\x03", end="")
    assert stopped.finish() == (130, "")

"""Questions, and scripts that ask them one after the other.

Owns how answers are gone through, one step back included. Must not know terminals or what is asked for.

A script is a generator: it yields questions, is sent the answers, and returns what they come to. It must be pure, as it is
run again with the earlier answers for every new one: taking an answer back is leaving it out.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from modos.errors import ModosError

__all__ = ["BACK", "Back", "Choice", "Question", "Script", "answered", "yes_or_no"]

BACK = "<"
"""What is typed to go back."""


class Back(Exception):  # noqa: N818 - no error: the user asks for the question before
    """The answer before this question is to be given anew."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be answered, and what it means."""

    value: str
    meaning: str = ""


def _anything(_: str) -> str:
    return ""


def _nothing() -> str:
    return ""


def _fine(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes
    ----------
    label
        What is asked for, in a word or two.
    help
        What it means, in a sentence.
    default
        What an empty answer stands for.
    required
        Whether there must be an answer.
    choices
        What is offered; other answers are judged by `check`.
    files
        Whether names of files are offered.
    check
        Returns why an answer is refused, "" for one that is fine; called for every letter.
    accept
        Called once with an answer that passed; whatever it raises of this package refuses it.
    preface
        Returns what is said before; called only when the question is really asked.
    """

    label: str
    help: str = ""
    default: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    files: bool = False
    check: Callable[[str], str] = _anything
    accept: Callable[[str], None] = _fine
    preface: Callable[[], str] = _nothing

    def refusal(self, answer: str) -> str:
        """Return why an answer cannot be taken, "" when it can.

        Examples
        --------
        >>> Question("id", required=True).refusal("")
        'an answer is needed'
        """
        given = answer.strip() or self.default
        if not given:
            return "an answer is needed" if self.required else ""
        return "" if given == BACK else self.check(given)


type Script[R] = Generator[Question, str, R]


def answered[R](
    script: Callable[[], Script[R]], ask: Callable[[Question], str], tell: Callable[[ModosError], None]
) -> R:
    """Go through a script and return what it comes to.

    Parameters
    ----------
    script
        Begins it anew.
    ask
        Returns the answer to a question, or raises `Back`.
    tell
        Says why an answer, or all of them together, cannot be taken; the answer before is then asked for again.

    Examples
    --------
    >>> def script():
    ...     name = yield Question("name")
    ...     return name.upper()
    >>> answered(script, lambda question: f"a {question.label}", print)
    'A NAME'
    """
    answers: list[str] = []
    while True:
        under_way = script()
        try:
            question = next(under_way)
            for answer in answers:
                question = under_way.send(answer)
        except StopIteration as end:
            result: R = end.value
            return result
        try:
            answer = ask(question)
            question.accept(answer)
        except Back:
            del answers[-1:]
        except ModosError as error:
            tell(error)
        else:
            answers.append(answer)


def yes_or_no(label: str, *, default: str, preface: Callable[[], str] = _nothing, help: str = "") -> Question:  # noqa: A002 - as in `Question`
    """Return a question that is answered by yes or no."""
    return Question(
        label,
        help=help,
        default=default,
        choices=(Choice("yes"), Choice("no")),
        check=lambda answer: "" if answer in {"yes", "no", "y", "n"} else "answer yes or no",
        preface=preface,
    )

"""Asking on a terminal: answers completed and judged while they are typed.

Owns how a question looks, by way of prompt_toolkit. Must not know what is asked for.
"""

import sys
from os.path import expanduser
from typing import TYPE_CHECKING, Any

import typer

from modos._lazy import require
from modos.cli.prompting.questions import BACK, Back, Question
from modos.cli.reporting import message, note
from modos.errors import ModosError

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.validation import Validator

__all__ = ["Terminal"]

_HINT = (
    f"Tab completes, Enter takes what is in brackets or leaves out, {BACK} goes back, Ctrl-C ends and changes nothing."
)


class Terminal:
    """Someone who types.

    Parameters
    ----------
    **options
        Input and output for prompt_toolkit; those of the process by default, questions going to standard error.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - prompt_toolkit checks them
        require("prompt_toolkit", extra="cli", purpose="asking questions")
        self._options = options
        self._is_new = True

    def ask(self, question: Question) -> str:
        """Return the answer to a question.

        Raises
        ------
        Back
            When the question before is to be asked again.
        typer.Abort
            When there is nobody any more.
        KeyboardInterrupt
            At Ctrl-C.
        """
        if self._is_new:
            typer.echo(_HINT, err=True)
            self._is_new = False
        if said := question.preface():
            typer.echo(said, err=True)
        default = f" [{question.default}]" if question.default else ""
        try:
            answer = self._session().prompt(
                [("italic", f"{question.help}\n" if question.help else ""), ("bold", f"{question.label}{default}: ")],
                completer=_completer(question),
                complete_while_typing=True,
                validator=_validator(question),
                validate_while_typing=True,
                set_exception_handler=False,  # which would ask to press ENTER for what other code has left to the loop
            )
        except EOFError as error:
            raise typer.Abort from error
        answer = answer.strip() or question.default
        if answer == BACK:
            raise Back
        return expanduser(answer) if question.files else answer  # noqa: PTH111 - pathlib raises at ~nobody

    def tell(self, error: ModosError) -> None:
        """Say why an answer cannot be taken."""
        note(message(error))

    def _session(self) -> "PromptSession[str]":
        from prompt_toolkit import PromptSession
        from prompt_toolkit.output import create_output

        options = (
            {"output": create_output(stdout=sys.stderr), **self._options}
            if "output" not in self._options
            else self._options
        )
        return PromptSession(**options)


def _completer(question: Question) -> "Completer | None":
    from prompt_toolkit.completion import PathCompleter, WordCompleter

    if question.files:
        return PathCompleter(expanduser=True)
    if not question.choices:
        return None
    meanings: dict[Any, Any] = {choice.value: choice.meaning for choice in question.choices}
    return WordCompleter(list(meanings), meta_dict=meanings, ignore_case=True, match_middle=True, sentence=True)


def _validator(question: Question) -> "Validator":
    from prompt_toolkit.document import Document
    from prompt_toolkit.validation import ValidationError, Validator

    class Judge(Validator):
        """Says what is wrong with what is typed, letter by letter."""

        def validate(self, document: Document) -> None:
            if refusal := question.refusal(document.text):
                raise ValidationError(cursor_position=len(document.text), message=refusal)

    return Judge()

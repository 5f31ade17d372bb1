"""The program as a whole: help, completion, what it costs to start, and how it ends."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from modos import MODO, __version__
from modos.cli.application import COMMANDS, GROUPS, application
from modos.testing import Proxy

HEAVY = {"zarr", "numpy", "s3fs", "swiftclient", "rdflib", "linkml_runtime", "pysam", "aiohttp", "fsspec"}
LINES = [*([name] for name in (*COMMANDS, *GROUPS)), *([name, each] for name in GROUPS for each in GROUPS[name][1])]
"""Every command, as it is called."""
MODULES_FOR_HELP = 500
"""Of which most are of typer and rich; all are loaded in 0.2 to 0.3 seconds."""


def test_every_command_option_and_argument_is_explained():
    """An undocumented command, option or argument fails here."""
    program = get_command(application())
    pages = {"modos": program, **program.commands}
    for name in GROUPS:
        pages |= {f"{name} {each}": command for each, command in pages[name].commands.items()}
    silent = [
        f"{page} {parameter.name}"
        for page, command in pages.items()
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]

    assert sorted(pages) == sorted(["modos", *map(" ".join, LINES)])
    assert silent == []
    assert [page for page, command in pages.items() if not command.help] == []


def test_help_shows_names_and_no_types(modos):
    """What a flag or an argument is called says enough; an argument that may be left out, or repeated, is marked once."""
    typed = ("<bool>", "<str>", "<list", "[[", "]]")
    for line in LINES:
        out = modos(*line, "--help").out
        assert [word for word in typed if word in out] == []
    assert "modos enrich [OPTIONS] OBJECT [ELEMENT]...\n" in _unpadded(modos("enrich", "--help").out)


def _unpadded(text):
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def test_help_is_cheap():
    """The help of no command loads a heavy package, nor much else: it comes at once."""
    code = (
        "import sys; from modos.cli import main\n"
        "for line in sys.stdin:\n"
        "    code = main([*line.split(), '--help'])\n"
        "    print('loaded:', code, len(sys.modules), *sys.modules.keys() & set(sys.argv), file=sys.stderr)"
    )
    lines = "\n".join(["", *map(" ".join, LINES)])
    done = subprocess.run(
        [sys.executable, "-c", code, *HEAVY], input=lines, capture_output=True, text=True, check=False
    )

    told = [line.split() for line in done.stderr.splitlines()]
    assert done.stdout.count("Usage: modos") == len(told) == 1 + len(LINES)
    dear = [(code, heavy) for _, code, _, *heavy in told if heavy or code != "0"]
    assert dear == []
    assert max(int(count) for _, _, count, *_ in told) < MODULES_FOR_HELP


def test_a_terminal_without_a_width_shows_the_help(modos, monkeypatch):
    """`COLUMNS=0` is how one says that it knows none."""
    monkeypatch.setenv("COLUMNS", "0")
    assert "Usage: modos [OPTIONS] COMMAND" in modos("--help").out


def test_the_version_is_that_of_the_package(modos):
    """`modos --version` says it."""
    result = modos("--version")

    assert (result.code, result.out, result.err) == (0, f"modos {__version__}\n", "")


def test_no_arguments_at_all_show_the_help(modos):
    """`modos` alone is wrong usage, answered by the help."""
    result = modos()

    assert result.code == 2
    assert "Usage: modos" in result.out + result.err


def test_commands_complete_in_the_shell(modos_process, clean_environment):
    """The script that a shell loads is there, and what it asks for is answered."""
    script = modos_process(env={**clean_environment, "_MODOS_COMPLETE": "source_bash"})
    asked = {"_MODOS_COMPLETE": "complete_bash", "COMP_WORDS": "modos tran", "COMP_CWORD": "1"}
    answer = modos_process(env={**clean_environment, **asked})

    assert "complete -o" in script.out
    assert answer.out.split() == ["transfer"]


def test_ids_complete_in_the_shell(modos_process, ex, clean_environment):
    """Those of the object that the line names, in full or alone; a place that cannot be read has none."""

    def completed(line: str) -> list[str]:
        asked = {"_MODOS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        return modos_process(env={**clean_environment, **asked}).out.split()

    assert completed(f"modos show {ex} s") == ["sample/s1", "s1"]
    assert completed(f"modos rename {ex} s") == ["sample/s1", "s1"]
    assert completed(f"modos enrich {ex} r") == ["reads"]
    assert completed(f"modos table {ex} ") == ["reads.fastq", "data/reads"]
    assert completed(f"modos add {ex} --part-of a") == ["assay/assay1", "assay1"]
    assert completed(f"modos show {ex}-none s") == []


def test_without_its_packages_it_says_how_to_install_them():
    """Without typer, or rich, one sentence names the extra."""
    for missing in ("typer", "rich"):
        code = f"import sys; sys.modules[{missing!r}] = None; from modos.cli import main; sys.exit(main(['--help']))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        sentence = f"modos: the command line needs {missing}: pip install 'modos-objects[cli]'\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)


def test_a_defect_is_told_in_a_sentence_and_traced_only_when_asked(modos, ex, monkeypatch):
    """An unexpected exception asks for a report; `--debug` or MODOS_DEBUG shows where it comes from."""

    def broken(*_, **__):
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(MODO, "list_files", broken)
    plain = modos("show", ex, "--files")
    traced = modos("--debug", "show", ex, "--files")
    monkeypatch.setenv("MODOS_DEBUG", "1")
    by_variable = modos("show", ex, "--files")

    assert (plain.code, traced.code, by_variable.code) == (1, 1, 1)
    assert plain.err.startswith("modos: ZeroDivisionError: by zero; this is a defect of modos; please report it")
    assert plain.err.count("\n") == 1
    assert traced.err.startswith("Traceback")
    assert traced.err.endswith(plain.err)
    assert by_variable.err.startswith("Traceback")


def test_ctrl_c_in_a_command_ends_with_130(modos, ex, monkeypatch):
    """KeyboardInterrupt is one word, and so is an aborted question."""
    for error in (KeyboardInterrupt, typer.Abort):

        def interrupt(*_, error=error, **__):
            raise error

        monkeypatch.setattr(MODO, "list_files", interrupt)
        result = modos("show", ex, "--files")
        assert (result.code, result.out, result.err) == (130, "", "modos: interrupted\n")


@pytest.mark.thorough
def test_ctrl_c_stops_a_transfer(ex, account, container, clean_environment):
    """A transfer that is interrupted says so, ends soon, and leaves no object."""
    with Proxy(account.server.url) as proxy:
        proxy.latency = 0.5
        credentials = {"OS_STORAGE_URL": proxy.through(account.server.storage_url), "OS_AUTH_TOKEN": account.token}
        command = [sys.executable, "-m", "modos", "transfer", str(ex), f"swift://{container}/ex"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**clean_environment, **credentials}
        )
        for _ in range(200):
            if proxy.count(method="PUT"):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "modos: interrupted"
    assert "Traceback" not in err
    assert account.get(container, "ex/data.zarr/zarr.json") is None


def test_a_reader_that_goes_away_is_no_traceback(ex, clean_environment):
    """A broken pipe ends the command with one sentence."""
    command = [sys.executable, "-m", "modos", "show", str(ex)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment)
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()

    assert process.wait(20) == 1
    assert err == "modos: nobody read the output to its end\n"


def test_a_full_disk_behind_standard_output_is_one_sentence(ex, clean_environment):
    """What cannot be written is told."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "modos", "show", str(ex)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=clean_environment, check=False)

    assert (done.returncode, done.stderr) == (1, b"modos: No space left on device\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("line", "code"), [('show "$1"', 0), ('show "$1-missing"', 1), ('remove "$1"', 2)])
def test_closed_streams_do_not_crash(ex, line, code, closed):
    """Nobody to ask, nobody to answer and nobody to complain to: the exit code still tells."""
    command = ["/bin/sh", "-c", f'"$0" -m modos {line} {closed}', sys.executable, str(ex)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr


def test_names_that_are_not_unicode_do_not_crash(modos_process, tmp_path, clean_environment):
    """Arguments in any bytes, and output that an ASCII terminal cannot show, end in a sentence or in escapes."""
    missing = modos_process("show", os.fsencode(tmp_path) + b"/\xff\xfe", env=clean_environment)
    created = modos_process("create", os.fsencode(tmp_path) + b"/\xff\xfe", env=clean_environment)
    MODO.create(tmp_path / "ex", id="ex", name="früh")
    ascii_only = {**clean_environment, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    shown = modos_process("show", tmp_path / "ex", env=ascii_only)
    tree = modos_process("show", tmp_path / "ex", "--zarr", env=ascii_only)

    assert (missing.code, created.code, shown.code, tree.code) == (1, 1, 0, 0)
    assert missing.err == f"modos: {tmp_path}/\\udcff\\udcfe: there is no digital object here\n"
    assert created.err.count("\n") == 1
    assert "name: fr" in shown.out


def test_documents_are_in_utf_8_whatever_the_terminal_takes(modos_process, tmp_path, clean_environment):
    """As they are read; a terminal that cannot show a character gets no backslash in the place of it, which would be read."""
    modo = MODO.create(tmp_path / "ex", id="ex", name="\u0142\xf3d\u017a \U0001f600")
    env = {**clean_environment, "PYTHONIOENCODING": "cp1252", "MODOS_AUTHOR": "Zo\xeb \U0001f600"}
    question = "ASK { ?s schema:name '\u0142\xf3d\u017a \U0001f600' }".encode()

    assert modos_process("export", modo.url, "--no-files", env=env).out == modo.export(files=False)
    assert modos_process("publish", modo.url, env=env).out == modo.publish()
    names = modos_process("query", modo.url, "SELECT ?n { ?s schema:name ?n }", "--format", "csv", env=env)
    assert names.out.splitlines() == ["n", "\u0142\xf3d\u017a \U0001f600"]
    asked = modos_process("query", modo.url, "-", "--format", "csv", env=env, input=question, stdin=None)
    assert asked.out.strip() == "true"
    changed = modos_process("update", modo.url, "ex", "--unset", "name", "--json", env=env)
    assert json.loads(changed.out)["elements"][0]["slots"][0]["before"] == "\u0142\xf3d\u017a \U0001f600"
    assert json.loads(modos_process("log", modo.url, "--json", env=env).out)[0]["author"] == "Zo\xeb \U0001f600"


@pytest.mark.parametrize(("given", "said"), [(b"ASK { ?s ?p '\xff' }", "not in UTF-8"), (None, "can be read once")])
def test_a_question_that_cannot_be_read_is_told(ex, clean_environment, given, said):
    """What comes by standard input, or does not, where it is closed."""
    command = ["/bin/sh", "-c", f'"$0" -m modos query "$1" - {"<&-" if given is None else ""}', sys.executable, str(ex)]
    done = subprocess.run(command, input=given, capture_output=True, check=False, env=clean_environment)

    assert done.returncode == (2 if given is None else 1)
    assert done.stderr.startswith(b"modos: standard input")
    assert done.stderr.count(b"\n") == 1
    assert said.encode() in done.stderr


def test_what_would_steer_a_terminal_is_made_visible(modos, tmp_path):
    """Names cannot colour or overwrite what is told."""
    assert modos("show", tmp_path / "a\x1b[31mb\rc").err == (
        f"modos: {tmp_path}/a\\x1b[31mb\\x0dc: there is no digital object here\n"
    )


def test_a_terminal_sees_a_bar(ex, tmp_path, clean_environment):
    """On a terminal, a transfer draws a progress bar; elsewhere nothing steers one, even if colours are forced."""
    command = [sys.executable, "-m", "modos", "transfer", str(ex)]
    ours, theirs = pty.openpty()
    environment = {**clean_environment, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen([*command, str(tmp_path / "a")], stderr=theirs, stdout=subprocess.PIPE, env=environment)
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], 20)[0]:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    out, _ = process.communicate(timeout=20)
    os.close(ours)
    forced = {**clean_environment, "FORCE_COLOR": "1"}
    plain = subprocess.run([*command, str(tmp_path / "b")], capture_output=True, env=forced, check=True)

    assert process.returncode == 0
    files = sum(path.is_file() for path in ex.rglob("*"))
    assert f"{files} of {files} files".encode() in seen
    assert b"\x1b[" in seen
    assert b"\x1b" not in out + plain.stdout + plain.stderr

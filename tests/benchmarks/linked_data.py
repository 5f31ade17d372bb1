"""What linked data costs: making a graph, asking it in SPARQL, writing it; beside rdflib, and beside the reference.

    python tests/benchmarks/linked_data.py [--reference PYTHON] [--repeat 5] [--cpu]

Every figure is the least of several processes, in seconds: by the clock, or with `--cpu` those that the process computes,
which are steadier where others compute as well. Before a question is timed, its rows are held against those of rdflib's own
engine on the same graph. PYTHON is an interpreter of an environment that has modos-api 0.3.5, which is given the same
metadata. No test: it prints tables, and decides nothing but that rows are equal.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory

QUERIES = {
    "all samples": "SELECT ?s WHERE { ?s a modos:Sample }",
    "three patterns": "SELECT ?s ?name WHERE { ?s a modos:Sample ; schema:name ?name ; modos:sex NCIT:C20197 }",
    "filter": 'SELECT ?s WHERE { ?s schema:name ?name . FILTER(STRENDS(?name, "77")) }',
    "group": "SELECT ?sex (COUNT(?s) AS ?count) WHERE { ?s modos:sex ?sex } GROUP BY ?sex",
}
PARTS = {
    "cold": "in a new process: imports, the graph from metadata in memory, the first answer",
    "first": "the first question to the graph that the engine works on, all of it",
    "warm": "the same question again",
    "warm, rows of rdflib": "the same, of both as rows of rdflib's terms; the others have rows of Python's values of modos",
}
PROCESSES = {
    "rdflib": "import rdflib; graph = rdflib.Graph().parse(f'{place}.nt', format='nt'); list(graph.query(prefixes + sparql))",
    "rdflib, graph of modos": "from modos import MODO; list(MODO(place).knowledge_graph().query(sparql))",
    "modos": "from modos import MODO; MODO(place).query(sparql).table()",
    "modos, rows of rdflib": "from modos import MODO; list(MODO(place).query(sparql))",
    "modos, only opened": "from modos import MODO; MODO(place)",
}
"""What a new process does, from its start to its end: with an object on a disk, or for rdflib alone with its N-Triples."""
FORMATS = ("turtle", "n-triples", "xml", "json-ld")
BASE = "file://ex/"


def metadata(elements: int) -> dict[str, dict[str, object]]:
    """Return the metadata of an object: three samples to each data file, in the slots of the reference's schema."""
    said: dict[str, dict[str, object]] = {
        "ex": {"@type": "MODO", "id": "ex", "creation_date": "2024-01-17T00:00:00", "last_update_date": "2024-10-15"}
    }
    for number in range(elements):
        if number % 4:
            said[f"sample/s{number}"] = {
                "@type": "Sample",
                "name": f"Sample {number}",
                "description": "Blood",
                "sex": ("Male", "Female")[number % 2],
                "collector": ["Foo university"],
                "taxon_id": ["http://purl.obolibrary.org/obo/NCBITaxon_9606"],
            }
        else:
            said[f"data/d{number}"] = {
                "@type": "DataEntity",
                "name": f"Data {number}",
                "data_path": f"d{number}.cram",
                "data_format": "CRAM",
                "has_sample": [f"sample/s{number + 1}"],
            }
    return said


# -- what is measured: generators that yield where the clock is read ---------------------------------------------------


def ours(said: dict[str, dict[str, object]], sparql: str) -> Iterator[str]:
    from modos.linked_data import KnowledgeGraph

    knowledge = KnowledgeGraph(said, base=BASE)
    knowledge.query(sparql).table()
    yield "cold"
    knowledge.query(sparql).table()
    yield "warm"
    for _ in knowledge.query(sparql):  # the first time it imports rdflib
        pass
    yield ""
    for _ in knowledge.query(sparql):
        pass
    yield "warm, rows of rdflib"


def ours_first(said: dict[str, dict[str, object]], sparql: str) -> Iterator[str]:
    from modos.linked_data import KnowledgeGraph

    knowledge = KnowledgeGraph(said, base=BASE)
    knowledge.query("ASK { ?s ?p modos:NoSuchThing }")  # any predicate: all of the graph is loaded
    yield ""
    knowledge.query(sparql).table()
    yield "first"


def rdflibs(said: dict[str, dict[str, object]], sparql: str) -> Iterator[str]:
    from modos.linked_data import KnowledgeGraph

    graph = KnowledgeGraph(said, base=BASE).graph()
    list(graph.query(sparql))
    yield "cold"
    list(graph.query(sparql))
    yield "warm"


def rdflibs_first(said: dict[str, dict[str, object]], sparql: str) -> Iterator[str]:
    from modos.linked_data import KnowledgeGraph

    graph = KnowledgeGraph(said, base=BASE).graph()
    yield ""
    list(graph.query(sparql))
    yield "first"


def graphs(said: dict[str, dict[str, object]], _: str) -> Iterator[str]:
    from modos.linked_data import KnowledgeGraph

    KnowledgeGraph({}, base=BASE).graph()
    yield "import"
    knowledge = KnowledgeGraph(said, base=BASE)
    knowledge.graph()
    yield "graph"
    knowledge.graph()
    yield "again"


def texts(said: dict[str, dict[str, object]], _: str) -> Iterator[str]:
    from modos.linked_data import KnowledgeGraph

    knowledge = KnowledgeGraph(said, base=BASE)
    graph = knowledge.graph()
    knowledge.text("turtle")
    yield ""
    for name in FORMATS:
        knowledge.text(name)
        yield name
        graph.serialize(format={"n-triples": "nt"}.get(name, name))
        yield f"{name}, rdflib"


MEASURED: dict[str, Callable[[dict[str, dict[str, object]], str], Iterator[str]]] = {
    each.__name__: each for each in (ours, ours_first, rdflibs, rdflibs_first, graphs, texts)
}

REFERENCE = """
import json, sys, time
said = json.load(sys.stdin)
clock = time.process_time if "--cpu" in sys.argv else time.perf_counter
begun = clock()
from modos.rdf import attrs_to_graph
attrs_to_graph({}, uri_prefix="file://ex/")
imported = clock()
attrs_to_graph(said, uri_prefix="file://ex/")
print(json.dumps({"import": imported - begun, "graph": clock() - imported}))
"""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def one(name: str, elements: int, sparql: str, clock: Callable[[], float]) -> None:
    """Measure in this process, and print the seconds of each part as JSON."""
    said = metadata(elements)
    found = {}
    begun = clock()
    for part in MEASURED[name](said, sparql):
        found[part] = clock() - begun
        begun = clock()
    say(json.dumps(found))


def least(command: list[str], repeat: int, given: str = "") -> dict[str, float]:
    """Return the least seconds of each part over several processes."""
    runs = [
        json.loads(subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout)
        for _ in range(repeat)
    ]
    return {part: min(run[part] for run in runs) for part in runs[0]}


def measured(name: str, elements: int, repeat: int, sparql: str = "") -> dict[str, float]:
    return least([sys.executable, *sys.argv, "--one", name, str(elements), sparql], repeat)


def row(title: str, theirs: float, own: float) -> None:
    say(f"{title:44}{theirs:10.4f}{own:10.4f}{theirs / own:9.1f}")


def same_rows(elements: int) -> dict[str, int]:
    """Return how many rows each question has, having seen that they are the same ones in every form."""
    from modos.linked_data import KnowledgeGraph

    knowledge = KnowledgeGraph(metadata(elements), base=BASE)
    graph, found = knowledge.graph(), {}
    for title, sparql in QUERIES.items():
        answer = knowledge.query(sparql)
        theirs = Counter(tuple(row) for row in graph.query(sparql))
        texts = Counter(tuple(map(str, row)) for row in theirs.elements())
        if theirs != Counter(map(tuple, answer)) or texts != Counter(
            tuple(map(str, row.values())) for row in answer.table()
        ):
            sys.exit(f"{title}: other rows than those of rdflib")
        found[title] = theirs.total()
    return found


def compare_queries(elements: int, repeat: int) -> None:
    say(f"\nSPARQL over {elements:,} elements, both engines on the same graph, with the same rows")
    for part, meaning in PARTS.items():
        say(f"    {part}: {meaning}")
    rows = same_rows(elements)
    say(f"{'':44}{'rdflib':>10}{'modos':>10}{'times':>9}")
    for title, sparql in QUERIES.items():
        say(f"{title}: {rows[title]:,} rows")
        own = measured("ours", elements, repeat, sparql) | measured("ours_first", elements, repeat, sparql)
        theirs = measured("rdflibs", elements, repeat, sparql) | measured("rdflibs_first", elements, repeat, sparql)
        for part in PARTS:
            row(f"    {part}", theirs[part.partition(",")[0]], own[part])


def object_on_disk(place: str, elements: int) -> None:
    """Write an object, and its graph as N-Triples beside it."""
    from modos import MODO

    modo = MODO.create(place, id="ex")
    with modo.edit() as edit:
        for key, said in sorted(metadata(elements).items(), reverse=True):  # samples first, which the others link to
            if key != "ex":
                edit.add({**said, "id": key.partition("/")[2]})
    Path(f"{place}.nt").write_text(modo.publish("n-triples"), encoding="utf-8")


def process_seconds(code: str, place: str, sparql: str, *, cpu: bool) -> float:
    from modos.model.curies import PREFIXES

    declared = "".join(f"PREFIX {prefix}: <{iri}> " for prefix, iri in PREFIXES.items())
    begun, begun_cpu = time.perf_counter(), getrusage(RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", f"import sys; place, sparql, prefixes = sys.argv[1:]; {code}", place, sparql, declared],
        check=True,
    )
    ended, ended_cpu = time.perf_counter(), getrusage(RUSAGE_CHILDREN)
    used = ended_cpu.ru_utime + ended_cpu.ru_stime - begun_cpu.ru_utime - begun_cpu.ru_stime
    return used if cpu else ended - begun


def compare_processes(elements: int, repeat: int, *, cpu: bool) -> None:
    """Print the least seconds of whole processes, each kind in turn, and how many times those of modos each takes."""
    say(f"\nA question to {elements:,} elements in a new process, from the start of Python to its end")
    with TemporaryDirectory() as scratch:
        place = f"{scratch}/ex"
        object_on_disk(place, elements)
        for title, sparql in QUERIES.items():
            runs = [
                {kind: process_seconds(code, place, sparql, cpu=cpu) for kind, code in PROCESSES.items()}
                for _ in range(repeat)
            ]
            found = {kind: min(run[kind] for run in runs) for kind in PROCESSES}
            say(title)
            for kind, seconds in found.items():
                say(f"    {kind:40}{seconds:10.3f}{seconds / found['modos']:9.1f}")


def compare_graphs(elements: int, repeat: int, reference: str | None) -> None:
    own = measured("graphs", elements, repeat)
    say(f"\nknowledge_graph of {elements:,} elements{'':10}{'reference':>11}{'modos':>10}{'times':>9}")
    if reference is None:
        say(f"{'graph':54}{own['graph']:10.4f}\n{'again':54}{own['again']:10.4f}")
        return
    said = json.dumps(metadata(elements))
    theirs = least([reference, "-I", "-W", "ignore", "-c", REFERENCE, *sys.argv[1:]], min(repeat, 2), said)
    row("graph", theirs["graph"], own["graph"])
    row("graph, with imports", sum(theirs.values()), own["import"] + own["graph"])
    row("again", theirs["graph"], own["again"])


def compare_texts(elements: int, repeat: int) -> None:
    found = measured("texts", elements, min(repeat, 2))
    say(f"\npublishing {elements:,} elements{'':18}{'rdflib':>10}{'modos':>10}{'times':>9}")
    for name in FORMATS:
        row(name, found[f"{name}, rdflib"], found[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", metavar="PYTHON")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--cpu", action="store_true", help="seconds that the process computes, not those of the clock")
    asked = parser.parse_args()
    if asked.one:
        one(asked.one[0], int(asked.one[1]), asked.one[2], time.process_time if asked.cpu else time.perf_counter)
        return
    compare_graphs(1_000, asked.repeat, asked.reference)
    compare_queries(10_000, asked.repeat)
    compare_processes(10_000, asked.repeat, cpu=asked.cpu)
    compare_texts(10_000, asked.repeat)


if __name__ == "__main__":
    main()

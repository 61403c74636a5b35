"""Limits on files, functions, folders, names and docstrings that CONTRIBUTING.md promises."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "models": ROOT / "models" / "enn_models",
    "service": ROOT / "service" / "enn_service",
    "training": ROOT / "training" / "enn_training",
}
COMMANDS = PACKAGES["training"] / "cli"
"""Folder of the commands: the signature of a command is the list of its options."""
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_ENTRIES = {"models": 16, "service": 12, "training": 12}
MAX_TEST_NAME_WORDS = 10
ENTRY = re.compile(r"^    \*{0,2}\w+(?: \([^)]*\))?: *\n? *(.*)", re.MULTILINE)
"""Entry of a docstring section: a name, an optional type, and a description."""
SECTIONS = ("Args", "Attributes", "Returns", "Yields")
VAGUE = re.compile(
    r"(how|it|its|that|there|these|they|this|those|what|whatever|when|where|whether|which|who|whom|whose|why"
    r"|the same|the one|the ones|one that|as)\b",
    re.IGNORECASE,
)
"""Words that point at something else instead of naming it."""

SOURCES = [path for folder in (*PACKAGES.values(), ROOT / "tests") for path in sorted(folder.rglob("*.py"))]
FOLDERS = sorted({path.parent for path in SOURCES if path.parents[0] != ROOT and "tests" not in path.parts})
TESTS = [path for path in SOURCES if path.name.startswith("test_")]
UNIT_TESTS = [path for path in TESTS if (ROOT / "tests" / "unit") in path.parents]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def docstring(node: ast.AST) -> ast.Expr | None:
    """Return the docstring statement of a module, class or function."""
    body = getattr(node, "body", [])
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        return body[0] if isinstance(body[0].value.value, str) else None
    return None


def function_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, *, signature: bool = True) -> int:
    """Count the lines from `def` to the end, without the docstring.

    Args:
        function: Function to measure.
        signature: False to count the body alone.
    """
    text, end = docstring(function), function.end_lineno or function.lineno
    if not signature:
        return end - (text or function.body[0]).lineno + 1 - docstring_lines(text)
    return end - function.lineno + 1 - docstring_lines(text)


def docstring_lines(text: ast.Expr | None) -> int:
    return 0 if text is None else (text.end_lineno or text.lineno) - text.lineno + 1


def section_texts(text: str) -> Iterator[str]:
    """Yield the description of each entry in the sections of a Google style docstring."""
    for section in re.finditer(r"^(\w+):\n((?:    .*(?:\n|$)|\n)+)", text, re.MULTILINE):
        if section[1] in ("Args", "Attributes"):
            yield from (entry[1] for entry in ENTRY.finditer(section[2]))
        elif section[1] in SECTIONS:
            yield section[2].strip()


def attribute_texts(tree: ast.Module) -> Iterator[str]:
    """Yield the strings that follow an assignment in a module or class."""
    for node in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))):
        for before, statement in zip(node.body, node.body[1:], strict=False):
            match before, statement:
                case ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str(text))):
                    yield text


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_file_is_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_FILE_LINES, f"{relative(path)} has {lines} lines; at most {MAX_FILE_LINES} are allowed"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_functions_are_short(path: Path) -> None:
    signature = COMMANDS not in path.parents
    lengths = {
        f"{node.name}:{node.lineno}": function_lines(node, signature=signature) for node in functions(parse(path))
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("folder", FOLDERS, ids=relative)
def test_folder_has_few_entries(folder: Path) -> None:
    # A folder that holds nothing but compiled files of a module that has moved is no entry.
    entries = [
        path.name
        for path in folder.iterdir()
        if not path.name.startswith("__")
        and path.name != "py.typed"
        and (path.is_file() or any(each.is_file() and each.suffix != ".pyc" for each in path.rglob("*")))
    ]
    most = MAX_ENTRIES[folder.relative_to(ROOT).parts[0]]
    assert len(entries) <= most, f"{relative(folder)} has {len(entries)} entries; at most {most} are allowed"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_module_begins_with_a_sentence_about_its_contents(path: Path) -> None:
    first = (ast.get_docstring(parse(path)) or "").partition("\n")[0]
    assert first.endswith("."), f"{relative(path)} begins with {first!r}; expected one sentence"
    assert not VAGUE.match(first), f"{relative(path)} begins with {first!r}; expected a noun or a verb"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_argument_descriptions_name_what_they_describe(path: Path) -> None:
    tree = parse(path)
    texts = list(attribute_texts(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            texts += section_texts(ast.get_docstring(node) or "")
    assert [text for text in texts if VAGUE.match(text)] == []


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_test_names_have_few_words(path: Path) -> None:
    names = [node.name for node in functions(parse(path)) if node.name.startswith("test_")]
    assert [name for name in names if len(name.split("_")) - 1 > MAX_TEST_NAME_WORDS] == []


@pytest.mark.parametrize("path", UNIT_TESTS, ids=relative)
def test_unit_test_mirrors_a_module(path: Path) -> None:
    package, *folders, name = path.relative_to(ROOT / "tests" / "unit").parts
    mirrored = PACKAGES[package].joinpath(*folders)
    assert mirrored.is_dir(), f"{relative(path)} has no counterpart {relative(mirrored)}"
    modules = {entry.stem for entry in mirrored.iterdir() if entry.suffix == ".py" or (entry / "__init__.py").exists()}
    modules.add(mirrored.name)  # a test of several modules bears the name of their folder
    stem = Path(name).stem.removeprefix("test_")
    assert any(f"{module}_".startswith(f"{stem}_") or f"{stem}_".startswith(f"{module}_") for module in modules), (
        f"{relative(path)} names no module of {relative(mirrored)}"
    )


def loaded(target: str, module: str) -> Iterator[str]:
    """Yield the modules that an import of a target loads: the packages around it but not the module, and itself."""
    parts = target.split(".")
    for name in (".".join(parts[:count]) for count in range(1, len(parts) + 1)):
        if name == target or not f"{module}.".startswith(f"{name}."):
            yield name


@pytest.mark.parametrize("package", [folder.name for folder in PACKAGES.values()])
def test_package_has_no_import_cycle(package: str) -> None:
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {
        module: {name for target in graph.find_modules_directly_imported_by(module) for name in loaded(target, module)}
        for module in graph.modules
    }
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' <- '.join(error.args[1])}")

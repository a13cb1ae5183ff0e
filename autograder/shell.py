"""Untrusted side: runs the student's cells in an IPython shell and keeps their outputs as Jupyter would."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import sys
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList
from traitlets import Type
from traitlets.config import Config

from autograder.limits import Limits
from autograder.outputs import Outputs, Stream
from autograder.syntax import bound_by, ends_quietly

LEFT_OUT = "__autograder_left_out__"
NO_PROGRAM = "no program can be started while a notebook is graded"
# Magics that load, or call, what is installed.
_OF_THE_MACHINE = frozenset(
    {"matplotlib", "gui", "load_ext", "reload_ext", "conda", "mamba", "micromamba", "uv", "env", "set_env"}
)


class _Publisher(DisplayPublisher):  # type: ignore[misc]
    outputs: Outputs

    def publish(
        self, data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False, **_: Any
    ) -> None:
        display_id = (transient or {}).get("display_id")
        self.outputs.display("display_data", data, display_id, update)

    def clear_output(self, wait: bool = False) -> None:
        self.outputs.clear(wait)


class _Hook(DisplayHook):  # type: ignore[misc]
    outputs: Outputs

    def quiet(self) -> bool:
        return False  # the caller looks for the semicolon

    def start_displayhook(self) -> None: ...

    def write_output_prompt(self) -> None: ...

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        self.outputs.display("execute_result", format_dict)

    def log_output(self, format_dict: Any) -> None: ...

    def finish_displayhook(self) -> None: ...


class _InteractiveShell(InteractiveShell):  # type: ignore[misc]
    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    last_traceback: list[str] | None = None

    def enable_gui(self, gui: Any = None) -> None: ...

    # What the student's own Jupyter has and a sandbox has not costs a line, and not the function below it.

    def system(self, cmd: str) -> None:
        _leave_out(f"!{cmd}", NO_PROGRAM)

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        self.system(cmd)
        return SList() if split else LSString()

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        if magic_name == "pip":  # which would go on to say that the kernel may have to be restarted
            return _leave_out(f"%pip {line}".rstrip(), NO_PROGRAM)
        try:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        except (UsageError, ImportError, RuntimeError, ValueError) as error:
            if magic_name not in _OF_THE_MACHINE and self.find_line_magic(magic_name) is not None:
                raise
            _leave_out(f"%{magic_name} {line}".rstrip(), f"it is not there while a notebook is graded ({error})")

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.last_traceback = list(stb)


def _nobody_answers(*_: object) -> str:
    raise EOFError("nobody is there to answer input() while a notebook is graded")


class _WithoutMissing(ast.NodeTransformer):
    """An import of what is not installed here is left out, and lines that only call it: the rest may do without.

    Only at the top level: what stands in a function or after ``try`` is the student's own affair.
    """

    def __init__(self) -> None:
        self._missing: set[str] = set()  # names that imports were to bind
        self._doubtful: set[str] = set()  # those that imports of this cell may not bind
        vars(builtins)[LEFT_OUT] = self._left_out

    def visit_Module(self, module: ast.Module) -> ast.Module:
        imports = [each for each in module.body if isinstance(each, ast.Import | ast.ImportFrom)]
        self._doubtful = {name for each in imports if not _is_there(each) for name in map(bound_by, each.names)}
        module.body = [statement for each in module.body for statement in self._guarded(each)]
        return module

    def _guarded(self, statement: ast.stmt) -> list[ast.stmt]:
        if isinstance(statement, ast.Import):
            parts: list[ast.stmt] = [ast.copy_location(ast.Import([name]), statement) for name in statement.names]
            names = [bound_by(name) for name in statement.names]
        elif isinstance(statement, ast.ImportFrom) and statement.module != "__future__":
            parts, names = [statement], [bound_by(name) for name in statement.names]
        elif isinstance(statement, ast.Expr) and (self._missing | self._doubtful) & _names(statement):
            parts, names = [statement], []
        else:
            return [statement]
        return [_guard(part, names) for part in parts]

    def _left_out(self, line: str, names: list[str]) -> bool:
        """Whether the error at hand is of what is not there: then the line is left out, and the names are known."""
        error = sys.exception()
        if isinstance(error, ModuleNotFoundError) and names:
            self._missing |= {*names}
            _leave_out(line, f"{error.name} is not installed where notebooks are graded")
        elif isinstance(error, NameError) and error.name in self._missing:
            _leave_out(line, f"there is no {error.name}")
        else:
            return False
        return True


def _guard(statement: ast.stmt, names: list[str]) -> ast.stmt:
    """The statement, and what asks ``_WithoutMissing`` about its errors."""
    code = f"try:\n    pass\nexcept:\n    if not {LEFT_OUT}({ast.unparse(statement)!r}, {names!r}): raise"
    (guard,) = ast.parse(code).body
    for node in ast.walk(guard):
        if isinstance(node, ast.stmt | ast.expr | ast.excepthandler):
            ast.copy_location(node, statement)
    guard.body = [statement]  # type: ignore[attr-defined]
    return guard


def _is_there(statement: ast.Import | ast.ImportFrom) -> bool:
    """As far as can be told before the cell has run."""
    of = [each.name for each in statement.names] if isinstance(statement, ast.Import) else [statement.module or ""]
    try:
        return all(name in sys.modules or importlib.util.find_spec(name) is not None for name in of)
    except Exception:  # the package that should hold it is not there, or is odd
        return False


def _names(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _leave_out(line: str, reason: str) -> None:
    print(f"{line}: left out, since {reason}", file=sys.stderr)


class Shell:
    """One IPython shell whose outputs are collected."""

    def __init__(self, limits: Limits) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        config.InteractiveShell.colors = "neutral"
        self.outputs = Outputs(limits)
        self.ip = _InteractiveShell.instance(config=config)
        self._without_missing = _WithoutMissing()
        self.ip.ast_transformers.append(self._without_missing)
        self.ip.display_pub.outputs = self.ip.displayhook.outputs = self.outputs
        _always_draw_png()
        if "matplotlib" in sys.modules:
            self.ip.run_line_magic("matplotlib", "inline")
            _keep_backend()
        self.ip.builtin_trap.activate()

    @property
    def names(self) -> dict[str, Any]:
        """The student's global names."""
        namespace: dict[str, Any] = self.ip.user_ns
        return namespace

    def capture(self) -> None:
        """From here on what is printed is an output; what was displayed before is forgotten."""
        vars(builtins)["input"] = _nobody_answers
        sys.stdout, sys.stderr = Stream(self.outputs, "stdout"), Stream(self.outputs, "stderr")
        sys.displayhook = self.ip.displayhook
        self.outputs.take()

    def run(self, source: str, number: int) -> bool:
        """Run one cell; True if it raised nothing. Its outputs are in ``outputs``."""
        ip = self.ip
        ip.last_traceback = None
        ip.execution_count = number
        error = self._execute(source, number)
        if error is not None:
            lines = ip.last_traceback or self._traceback(error)
            self.outputs.error(type(error).__name__, _text_of(error), [str(line) for line in lines])
        self.flush()
        return error is None

    def flush(self) -> None:
        """Show figures that are open, as at the end of a cell."""
        self.ip.last_traceback = None
        self.ip.events.trigger("post_execute")

    def _execute(self, source: str, number: int) -> BaseException | None:
        # Plain Python is compiled here: run_cell tokenizes each cell several times to look for magics.
        compiler, names = self.ip.compile, self.ip.user_ns
        try:
            name = compiler.cache(source, number)
            tree = compiler.ast_parse(source, name)
            self._without_missing.visit_Module(tree)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            body = compiler(tree, name, "exec")
            value_of_last = compiler(ast.Expression(last.value), name, "eval") if last is not None else None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            body = None
        if body is None:  # outside of the handler, whose error IPython would show as another one
            result = self.ip.run_cell(source, store_history=False)
            failed: BaseException | None = result.error_before_exec or result.error_in_exec
            return failed
        try:
            exec(body, names)
            if value_of_last is not None:
                value = eval(value_of_last, names)
                if value is not None and not ends_quietly(source):
                    self.ip.displayhook(value)
        except BaseException as error:
            return error
        return None

    def _traceback(self, error: BaseException) -> list[str]:
        try:
            self.ip.showtraceback((type(error), error, _skip_own_frames(error)))
        except BaseException:
            return [type(error).__name__]
        return self.ip.last_traceback or [type(error).__name__]


def _always_draw_png() -> None:
    """Figures come as PNG, too, whatever formats a notebook asks for: a page shows no other that plots have."""
    from IPython.core import pylabtools

    select = pylabtools.select_figure_formats

    def with_png(shell: Any, formats: Any, **options: Any) -> None:
        select(shell, {"png", *([formats] if isinstance(formats, str) else formats)}, **options)

    # The backend takes it from there where it is imported later, and has its own where it was before.
    for module in (pylabtools, sys.modules.get("matplotlib_inline.backend_inline")):
        if module is not None:
            vars(module)["select_figure_formats"] = with_png


def _keep_backend() -> None:
    """``matplotlib.use("TkAgg")`` asks for a window, which the student's desktop has."""
    from matplotlib import pyplot

    switch = pyplot.switch_backend

    def switch_if_there(newbackend: str) -> None:
        try:
            switch(newbackend)
        except ImportError as error:
            _leave_out(f"the backend {newbackend}", f"it is not there while a notebook is graded ({error})")

    vars(pyplot)["switch_backend"] = switch_if_there


def _skip_own_frames(error: BaseException) -> Any:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals.get("__name__") == __name__:
        traceback = traceback.tb_next
    return traceback


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return ""

"""Decorators that compile a function of numbers to single-precision machine code.

No other module imports numba, and only the renderer imports this module.
"""

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])


class _SingleLiterals(ast.NodeTransformer):
    """Replaces every float literal `c` by `float32(c)`; numba would otherwise compute in float64."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, float):
            return node
        name = ast.Name(id="_float32", ctx=ast.Load())
        return ast.copy_location(ast.Call(func=name, args=[node], keywords=[]), node)


def _sources_digest() -> int:
    """A number that changes with any source file of this package, which holds every compiled function."""
    content = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return int.from_bytes(hashlib.sha256(content).digest()[:7], "big")


def _with_single_literals(function: Function, digest: int) -> Function:
    source, first_line = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(source)))
    definition = cast(ast.FunctionDef, tree.body[0])
    definition.decorator_list = []
    # Annotations are not needed for compilation, and may name types that are not imported here.
    definition.returns = None
    for argument in definition.args.args:
        argument.annotation = None
    tree = _SingleLiterals().visit(tree)
    # numba's cache key covers a function's own file and closure, not the functions it calls. With the digest of all
    # sources in the closure, a change in any of them invalidates the cache.
    definition = cast(ast.FunctionDef, tree.body[0])
    definition.body.insert(0, ast.parse("_digest").body[0])
    maker = cast(ast.FunctionDef, ast.parse("def _make(_digest): return").body[0])
    maker.body = [definition, ast.Return(ast.Name(function.__name__, ctx=ast.Load()))]
    tree.body = [maker]
    ast.fix_missing_locations(ast.increment_lineno(tree, first_line - 1))
    names = function.__globals__
    names["_float32"] = np.float32
    made: dict[str, Any] = {}
    # numba's cache and tracebacks need the original's file name and line numbers.
    exec(compile(tree, inspect.getfile(function), "exec"), names, made)
    compiled = made["_make"](digest)
    compiled.__module__, compiled.__qualname__ = function.__module__, function.__qualname__
    compiled.__doc__ = function.__doc__
    return cast(Function, compiled)


_DIGEST = _sources_digest()


def single(function: Function) -> Function:
    """Compile a formula in float32. It is inlined into its callers, so that their loops vectorise."""
    jit = numba.njit(fastmath=True, forceinline=True, error_model="numpy")
    return cast(Function, jit(_with_single_literals(function, _DIGEST)))


def single_loop(function: Function) -> Function:
    """Compile a loop over pixels in float32. The machine code is cached on disk and runs without the global lock."""
    jit = numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
    return cast(Function, jit(_with_single_literals(function, _DIGEST)))

"""Small mistakes planted in formulas and in functions: a sign, a root, a power, a factor."""

import ast
import inspect
import re
import textwrap
import zlib

__all__ = ["chosen", "formula_mutants", "function_mutants"]

# What a mistake turns into what, in LaTeX. Scripts and names of symbols are left alone.
_SIGNS = re.compile(r"[+-]")
_ROOTS = re.compile(r"\\sqrt(?=\{)")
_SQUARES = re.compile(r"\^2(?!\d)")


def formula_mutants(latex):
    """Yield a formula with one mistake: in signs, roots and squares, or the sign of the whole."""
    conditions = [m.span() for m in re.finditer(r"&.*?(?=\\\\|\\end)", latex, re.DOTALL)]
    scripts = [m.span() for m in re.finditer(r"_\{[^{}]*\}", latex)]
    for pattern in (_SIGNS, _ROOTS, _SQUARES):
        for match in pattern.finditer(latex):
            if any(a <= match.start() < b for a, b in (*conditions, *scripts)):
                continue
            new = {"+": "-", "-": "+"}.get(match[0], "")
            yield latex[: match.start()] + new + latex[match.end() :]
    chain, quad, definitions = latex.partition(r"\qquad")
    name, equals, member = chain.rpartition("=")
    yield f"{name}{equals} - {member}{quad}{definitions}"


class _Mutator(ast.NodeTransformer):
    """Plant the mistake number `wanted` of those that there are."""

    def __init__(self, wanted):
        self.wanted, self.met = wanted, 0

    def here(self):
        self.met += 1
        return self.met - 1 == self.wanted

    def visit_Expr(self, node):
        return node  # the docstring, and checks of arguments

    def visit_BinOp(self, node):
        self.generic_visit(node)
        swapped = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
        operands = [n.value for n in (node.left, node.right) if isinstance(n, ast.Constant)]
        # Adding 0 * x only brings the shape of x; dividing by 1 is no mistake.
        zero = isinstance(node.right, ast.BinOp) and ast.unparse(node.right).startswith("0 *")
        if type(node.op) in swapped and 0 not in operands and not zero and self.here():
            node.op = swapped[type(node.op)]()
        return node

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.USub) and self.here():
            return node.operand
        return node

    def visit_Return(self, node):
        self.generic_visit(node)
        if self.here():
            node.value = ast.UnaryOp(ast.USub(), node.value)
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        if ast.unparse(node.func) == "sqrt" and self.here():
            return node.args[0]
        return node


def function_mutants(function):
    """Yield a function with one mistake in its own body."""
    source = textwrap.dedent(inspect.getsource(function))
    for wanted in range(1000):
        tree = ast.parse(source)
        definition = tree.body[0]
        definition.decorator_list, definition.returns = [], None
        for argument in (*definition.args.args, *definition.args.kwonlyargs):
            argument.annotation = None
        mutator = _Mutator(wanted)
        definition.body = [mutator.visit(statement) for statement in definition.body]
        if mutator.met <= wanted:
            return
        space = dict(function.__globals__)
        code = compile(ast.fix_missing_locations(tree), f"<{function.__name__}>", "exec")
        exec(code, space)
        yield space[function.__name__]


def chosen(name, mutants):
    """Return the mutants in an order that depends on the name only."""
    found = list(mutants)
    start = zlib.crc32(name.encode()) % len(found) if found else 0
    return found[start:] + found[:start]

"""Lanes: a Numba type of eight float64 numbers in one vector register, with its arithmetic, loads and stores.

LLVM cannot prove that the arrays of a network do not overlap, and leaves loops over eight networks scalar. As one
value, eight numbers stay in registers (measured: 2.4 times the speed).
"""

import operator
from collections.abc import Callable
from typing import Protocol, cast

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.base import BaseContext
from numba.core.datamodel.manager import DataModelManager
from numba.core.errors import TypingError
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import intrinsic, models, overload, register_model

LANES = 8
Values = tuple[ir.Value, ...]
Typed = tuple[Signature, Callable[..., ir.Value]]
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_SINGLE = ir.VectorType(ir.FloatType(), LANES)


class Lanes(Protocol):
    """Type of eight numbers in compiled functions, for type checkers."""

    def __add__(self, other: "Lanes | float") -> "Lanes":
        """Return the sums."""
        ...

    def __sub__(self, other: "Lanes | float") -> "Lanes":
        """Return the differences."""
        ...

    def __mul__(self, other: "Lanes | float") -> "Lanes":
        """Return the products."""
        ...

    def __truediv__(self, other: "Lanes | float") -> "Lanes":
        """Return the quotients."""
        ...

    def __radd__(self, other: float) -> "Lanes":
        """Return the sums."""
        ...

    def __rsub__(self, other: float) -> "Lanes":
        """Return the differences."""
        ...

    def __rmul__(self, other: float) -> "Lanes":
        """Return the products."""
        ...


class _Lanes(types.Type):
    """The Numba type of eight numbers; in LLVM <8 x double>."""

    def __init__(self) -> None:
        super().__init__("Lanes")


_LANES = _Lanes()


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: DataModelManager, kind: types.Type) -> None:
        super().__init__(manager, kind, _VECTOR)


def _intrinsic(typed: Callable[..., Typed]) -> Callable[..., Lanes]:
    """Return a Numba intrinsic with the signature of its callers, without the typing context."""
    return intrinsic(typed)


def _counting(typed: Callable[..., Typed]) -> Callable[..., int]:
    """Return a Numba intrinsic that returns an integer."""
    return intrinsic(typed)


def _scalar(typed: Callable[..., Typed]) -> Callable[..., float]:
    """Return a Numba intrinsic that returns a float64 number."""
    return intrinsic(typed)


@_counting
def address(_typing: Context, array: types.Type) -> Typed:
    """Return the address of an array; an array that is not in C order is refused at compile time."""
    if not (isinstance(array, types.Array) and array.layout == "C"):
        raise TypingError(f"{array}: expected an array in C order, from whose beginning offsets can be counted")

    def generate(context: BaseContext, builder: ir.IRBuilder, signature: Signature, args: Values) -> ir.Value:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return cast("ir.Value", builder.ptrtoint(data, ir.IntType(64)))

    return types.intp(array), generate


def _pointer(builder: ir.IRBuilder, args: Values, kind: ir.Type) -> ir.Value:
    """Return a pointer to the values of a kind, args[1] values after the address args[0]."""
    # For a type checker llvmlite's decorators hide that a cast returns a value.
    first = cast("ir.Value", builder.inttoptr(args[0], kind.as_pointer()))
    return cast("ir.Value", builder.gep(first, [args[1]]))


@_intrinsic
def load(_typing: Context, _address: types.Type, _offset: types.Type) -> Typed:
    """Return the eight float64 numbers at offset lanes after an address."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        return builder.load(_pointer(builder, args, _VECTOR), align=8)

    return _LANES(types.intp, types.intp), generate


@_intrinsic
def store(_typing: Context, _address: types.Type, _offset: types.Type, value: types.Type) -> Typed:
    """Write eight float64 numbers at offset lanes after an address."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        return builder.store(args[2], _pointer(builder, args, _VECTOR), align=8)

    return types.void(types.intp, types.intp, value), generate


@_intrinsic
def load_single(_typing: Context, _address: types.Type, _offset: types.Type) -> Typed:
    """Return the eight float32 numbers at an offset, counted in float32 numbers, after an address."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        first = _pointer(builder, args, ir.FloatType())
        single = builder.load(builder.bitcast(first, _SINGLE.as_pointer()), align=4)
        return cast("ir.Value", builder.fpext(single, _VECTOR))

    return _LANES(types.intp, types.intp), generate


@_intrinsic
def store_single(_typing: Context, _address: types.Type, _offset: types.Type, value: types.Type) -> Typed:
    """Write eight numbers as float32 at an offset, counted in float32 numbers, after an address."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        first = _pointer(builder, args, ir.FloatType())
        single = cast("ir.Value", builder.fptrunc(args[2], _SINGLE))
        return builder.store(single, builder.bitcast(first, _SINGLE.as_pointer()), align=4)

    return types.void(types.intp, types.intp, value), generate


@_counting
def whole(_typing: Context, _address: types.Type, _offset: types.Type) -> Typed:
    """Return the 64-bit integer at an offset, counted in 64-bit integers, after an address."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        return builder.load(_pointer(builder, args, ir.IntType(64)))

    return types.intp(types.intp, types.intp), generate


@_scalar
def number(_typing: Context, _address: types.Type, _offset: types.Type) -> Typed:
    """Return the float64 number at an offset, counted in float64 numbers, after an address."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        return builder.load(_pointer(builder, args, ir.DoubleType()))

    return types.float64(types.intp, types.intp), generate


@_intrinsic
def beside(_typing: Context, *_numbers: types.Type) -> Typed:
    """Return eight numbers as lanes."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        lanes = cast("ir.Value", ir.Constant(_VECTOR, ir.Undefined))
        for lane in range(LANES):
            lanes = builder.insert_element(
                lanes, builder.extract_value(args[0], lane), ir.Constant(ir.IntType(32), lane)
            )
        return lanes

    return _LANES(types.StarArgTuple.from_types((types.float64,) * LANES)), generate


@_intrinsic
def fill(_typing: Context, _value: types.Type) -> Typed:
    """Return lanes that all hold the same number."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(nothing, args[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))

    return _LANES(types.float64), generate


def _call(builder: ir.IRBuilder, name: str, args: Values) -> ir.Value:
    """Return the result of an LLVM intrinsic for lanes."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f64"), args)


@_intrinsic
def floor(_typing: Context, value: types.Type) -> Typed:
    """Return the largest integers not above the lanes."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        return _call(builder, "floor", args)

    return _LANES(value), generate


@_intrinsic
def larger(_typing: Context, left: types.Type, right: types.Type) -> Typed:
    """Return the larger number of each pair of lanes."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        return _call(builder, "maxnum", args)

    return _LANES(left, right), generate


@_intrinsic
def is_positive(_typing: Context, value: types.Type) -> Typed:
    """Return 1 for each lane above 0, else 0."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        zero = ir.Constant(_VECTOR, [0.0] * LANES)
        return cast("ir.Value", builder.uitofp(builder.fcmp_ordered(">", args[0], zero), _VECTOR))

    return _LANES(value), generate


@_intrinsic
def power_of_two(_typing: Context, value: types.Type) -> Typed:
    """Return 2 to the power of the lanes, which are whole numbers from -1022 to 1023."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        kind = ir.VectorType(ir.IntType(64), LANES)
        bias, mantissa = (ir.Constant(kind, [number] * LANES) for number in (1023, 52))
        exponent = builder.add(cast("ir.Value", builder.fptosi(args[0], kind)), bias)
        return cast("ir.Value", builder.bitcast(builder.shl(exponent, mantissa), _VECTOR))

    return _LANES(value), generate


@_scalar
def total(_typing: Context, value: types.Type) -> Typed:
    """Return the sum of the lanes, added in the same order on every processor."""

    def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
        lanes, nothing = args[0], ir.Constant(_VECTOR, ir.Undefined)
        for half in (4, 2, 1):
            order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [lane % half + half for lane in range(LANES)])
            lanes = cast("ir.Value", builder.fadd(lanes, builder.shuffle_vector(lanes, nothing, order)))
        return builder.extract_element(lanes, ir.Constant(ir.IntType(32), 0))

    return types.float64(value), generate


def _arithmetic(operation: Callable[..., object], instruction: str) -> None:
    """Define a Python operator of lanes, with lanes or a number on either side."""

    @_intrinsic
    def combine(_typing: Context, left: types.Type, right: types.Type) -> Typed:
        def generate(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Values) -> ir.Value:
            # "contract" allows a fused multiply-add, the only change of rounding that is allowed.
            return getattr(builder, instruction)(*args, flags=("contract",))

        return _LANES(left, right), generate

    # Numba compares the signatures of `typed` and of the functions that it returns, annotations included.
    def both(left: Lanes | float, right: Lanes | float) -> Lanes:
        return combine(left, right)

    def number_on_the_right(left: Lanes | float, right: Lanes | float) -> Lanes:
        return combine(left, fill(right))

    def number_on_the_left(left: Lanes | float, right: Lanes | float) -> Lanes:
        return combine(fill(left), right)

    @overload(operation)
    def typed(left: Lanes | float, right: Lanes | float) -> Callable[..., Lanes] | None:
        lanes = (isinstance(left, _Lanes), isinstance(right, _Lanes))
        return {(True, True): both, (True, False): number_on_the_right, (False, True): number_on_the_left}.get(lanes)


for _operation, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_operation, _instruction)

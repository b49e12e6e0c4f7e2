"""The functions of ``keras.ops`` as the operations of a functional model, in Keras's form.

Called on the symbolic tensors of a model under construction, a function of a public page becomes
one call in its graph, an `Operation`; anywhere else it computes as it stands. Imports graph, tensor
and variable.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from kerasnb import naming
from kerasnb.errors import LoadError
from kerasnb.graph import current_level
from kerasnb.op import Op
from kerasnb.tensor import Operators, Tensor
from kerasnb.variable import in_scope

__all__ = ["FORMS", "Form", "Operation", "form_of_class", "function_of", "page"]


class Form(NamedTuple):
    """How Keras calls a function as an operation.

    Attributes:
        function: its name, and `page` where it is: ``"numpy"``, ``"nn"``, …
        type: the name of Keras's class.
        given: the arguments that are a call's; all others belong to the operation.
    """

    function: str
    page: str
    type: str
    given: tuple[str, ...]


_TABLE = {
    "core": """
        Cast:x SaturateCast:x Scatter:indices,values ScatterUpdate:inputs,indices,updates
        Slice:inputs,start_indices SliceUpdate:inputs,start_indices,updates StopGradient:variable
        Unstack:x
    """,
    "numpy": """
        Abs:x Absolute:x Add:x1,x2 All:x AllClose=allclose:x1,x2 Amax:x Amin:x Angle:x Any:x
        Append:x1,x2 Arange:start,stop,step Arccos:x Arccosh:x Arcsin:x Arcsinh:x Arctan2:x1,x2
        Arctan:x Arctanh:x Argmax:x Argmin:x Argpartition:x Argsort:x Array:x ArraySplit:x
        Average:x,weights Bincount:x BitwiseAnd:x,y BitwiseInvert:x BitwiseLeftShift:x,y
        BitwiseNot:x BitwiseOr:x,y BitwiseRightShift:x,y BitwiseXor:x,y BroadcastTo:x Cbrt:x
        Ceil:x Clip:x Concatenate:xs Conj:x Conjugate:x Copy:x Corrcoef:x Correlate:x1,x2 Cos:x
        Cosh:x CountNonzero:x Cross:x1,x2 Cumprod:x Cumsum:x Deg2rad:x Diag:x Diagflat:x
        Diagonal:x Diff:a Digitize:x,bins Divide:x1,x2 DivideNoNan:x1,x2 Dot:x1,x2 Dsplit:x
        Dstack:xs EmptyLike:x Equal:x1,x2 Exp2:x Exp:x ExpandDims:x Expm1:x Fabs:x Flip:x Fliplr:x
        Flipud:x Floor:x FloorDivide:x1,x2 Fmax:x1,x2 Fmin:x1,x2 Fmod:x1,x2 Full:fill_value
        FullLike:x,fill_value Gcd:x1,x2 Geomspace:start,stop GetItem:x,key Greater:x1,x2
        GreaterEqual:x1,x2 Heaviside:x1,x2 Histogram:x Hsplit:x Hstack:xs Hypot:x1,x2 I0:x Imag:x
        Inner:x1,x2 IsIn=isin:x1,x2 Isclose:x1,x2,rtol,atol Isfinite:x Isinf:x Isnan:x Isneginf:x
        Isposinf:x Isreal:x Kron:x1,x2 Lcm:x1,x2 Ldexp:x1,x2 LeftShift:x,y Less:x1,x2
        LessEqual:x1,x2 Linspace:start,stop Log10:x Log1p:x Log2:x Log:x Logaddexp2:x1,x2
        Logaddexp:x1,x2 LogicalAnd:x1,x2 LogicalNot:x LogicalOr:x1,x2 LogicalXor:x1,x2
        Logspace:start,stop Matmul:x1,x2 Max:x Maximum:x1,x2 Mean:x Median:x Min:x Minimum:x1,x2
        Mod:x1,x2 Moveaxis:x Multiply:x1,x2 NanToNum:x Nanargmax:x Nanargmin:x Nancumprod:x
        Nancumsum:x Nanmax:x Nanmean:x Nanmedian:x Nanmin:x Nanpercentile:x,q Nanprod:x
        Nanquantile:x,q Nanstd:x Nansum:x Nanvar:x Ndim:x Negative:x Nextafter:x1,x2 Nonzero:x
        NotEqual:x1,x2 OnesLike:x Outer:x1,x2 Pad:x,constant_values Percentile:x,q Power:x1,x2
        Prod:x Ptp:x Quantile:x,q Rad2deg:x Ravel:x Real:x Reciprocal:x Repeat:x Reshape:x
        RightShift:x,y Roll:x Rot90:array Round:x SearchSorted=searchsorted:sorted_sequence,values
        Select:condlist,choicelist,default Sign:x Signbit:x Sin:x Sinc:x Sinh:x Size:x Slogdet:x
        Sort:x Split:x Sqrt:x Square:x Squeeze:x Stack:x Std:x Subtract:x1,x2 Sum:x Swapaxes:x
        Take:x,indices TakeAlongAxis:x,indices Tan:x Tanh:x Tensordot:x1,x2 Tile:x Trace:x
        Transpose:x Trapezoid:y Tril:x Triu:x TrueDivide:x1,x2 Trunc:x Unique:x
        UnravelIndex:indices Vander:x Var:x Vdot:x1,x2 View:x Vsplit:x Vstack:xs
        Where:condition,x1,x2 ZerosLike:x
    """,
    "nn": """
        AdaptiveAveragePool:inputs AdaptiveMaxPool:inputs AveragePool:inputs
        BinaryCrossentropy:target,output CTCDecode:inputs,sequence_lengths
        CTCLoss:target,output,target_length,output_length CategoricalCrossentropy:target,output
        Celu:x Conv:inputs,kernel ConvTranspose:inputs,kernel DepthToSpace:x
        DepthwiseConv:inputs,kernel DotProductAttention:query,key,value,bias,mask,scale Elu:x
        Fold:x Gelu:x Glu:x HardShrink:x HardSigmoid:x HardSilu:x HardTanh:x LeakyRelu:x
        LogSigmoid:x LogSoftmax:x MaxPool:inputs Moments:x MultiHot:inputs Normalize:x OneHot:x
        PSNR:x1,x2 Relu6:x Relu:x Selu:x SeparableConv:inputs,depthwise_kernel,pointwise_kernel
        Sigmoid:x Silu:x SoftShrink:x Softmax:x Softplus:x Softsign:x SpaceToDepth:x
        SparseCategoricalCrossentropy:target,output SparsePlus:x SparseSigmoid:x Sparsemax:x
        Squareplus:x TanhShrink:x Threshold:x Unfold:x
    """,
    "math": """
        CDist=cdist:x,y Erf:x Erfc:x Erfinv:x ExtractSequences:x FFT2:x FFT:x IFFT2:x IRFFT:x
        ISTFT:x InTopK:targets,predictions Logdet:x Logsumexp:x RFFT:x Rsqrt:x STFT:x
        SegmentMax:data,segment_ids SegmentMin:data,segment_ids SegmentProd:data,segment_ids
        SegmentSum:data,segment_ids TopK:x
    """,
    "linalg": """
        Cholesky:x CholeskyInverse:x Det:x Eigh:x Inv:x Lstsq:a,b LuFactor:x MatrixRank:x Norm:x
        Pinv:x Qr:x SVD:x Solve:a,b SolveTriangular:a,b
    """,
    "image": """
        AffineTransform:images,transform CropImages:images ExtractPatches:images HSVToRGB:images
        MapCoordinates:inputs,coordinates PadImages:images RGBToGrayscale:images RGBToHSV:images
        Resize:images
    """,
}


def _forms() -> dict[str, Form]:
    found = {}
    for page_, text in _TABLE.items():
        for word in text.split():
            type_, _, given = word.partition(":")
            type_, _, function = type_.partition("=")
            function = function or naming.snake_case(type_)
            found[function] = Form(function, page_, type_, tuple(given.split(",")))
    return found


FORMS: Mapping[str, Form] = _forms()
"""By the name of a function, how Keras has it as an operation."""

_functions: dict[str, Callable] = {}  # what computes, by name


@functools.cache
def form_of_class(page: str, type_: str) -> Form | None:
    """The form of one of Keras's classes; None if there is none of that name."""
    return next((f for f in FORMS.values() if (f.page, f.type) == (page, type_)), None)


def function_of(form: Form) -> Callable:
    """What computes."""
    return _functions[form.function]


class Operation:
    """One function in a functional model.

    Attributes:
        form: what Keras says of the function.
        settings: the arguments that are no tensors.
        name: in the model; no two operations or layers have the same.
        function: what computes.
    """

    _record: Any = None  # set by `kerasnb.layers.symbolic`: adds a call to the graph of layers

    def __init__(self, form: Form, settings: Mapping[str, Any], name: str | None = None):
        self.form, self.settings = form, dict(settings)
        self.name = name or naming.auto_name(naming.snake_case(form.type))
        self.function = _functions[form.function]
        self._calls: list[Any] = []

    @property
    def type(self) -> str:
        """The name of Keras's class."""
        return self.form.type

    def __call__(self, *args: Any) -> Any:
        if _is_building(args):
            return Operation._record(self, args, {})
        return self.function(**dict(zip(self.form.given, args, strict=False)), **self.settings)

    call = __call__

    def _flatten_layers(self) -> list:
        """No layers: as a layer says it."""
        return []

    def get_config(self) -> dict:
        """The settings, with the name, as Keras writes them."""
        return {"name": self.name, **self.settings}

    @classmethod
    def from_config(cls, form: Form, config: Mapping[str, Any]) -> Operation:
        """The operation that `get_config` described.

        Raises:
            LoadError: the function has no such setting.
        """
        settings = {key: value for key, value in config.items() if key != "name"}
        known = set(inspect.signature(_functions[form.function]).parameters) - set(form.given)
        wrong = sorted(set(settings) - known)
        if wrong:
            raise LoadError(f"The operation {form.type} has no setting {wrong[0]!r:.60}.")
        return cls(form, {k: _as_tuples(v) for k, v in settings.items()}, config.get("name"))

    @classmethod
    def of(cls, form: Form, values: Mapping[str, Any], name: str | None = None) -> tuple:
        """The operation for some arguments of its function, and what it is then called on."""
        bound = inspect.signature(_functions[form.function]).bind(**values)
        bound.apply_defaults()
        settings = {k: v for k, v in bound.arguments.items() if k not in form.given}
        return cls(form, settings, name), [bound.arguments[key] for key in form.given]

    def on(self, args: Iterable[Any]) -> Any:
        """A call on what a configuration holds, where tuples have become lists."""
        return self(*map(_as_tuples, args))

    def __repr__(self) -> str:
        return f"<Operation {self.form.type} {self.name!r}>"


def _as_tuples(value: Any) -> Any:
    """A list of anything but tensors as a tuple, with what is in it."""
    if isinstance(value, list) and not any(isinstance(item, Tensor) for item in value):
        return tuple(map(_as_tuples, value))
    return value


def _is_building(values: Iterable[Any]) -> bool:
    """Whether a call with these arguments is part of a model under construction."""
    for value in values:
        if type(value) is Tensor:
            # most tensors hold data: this is in the way of every eager operation
            if value.data is None and _is_of_model(value.node):
                return not (in_scope() or current_level())
        elif type(value) in (list, tuple) and _is_building(value):
            return True
    return False


def _is_of_model(node: Any) -> bool:
    """Whether a node is a model's input, or a call of a layer or operation: no op of a trace."""
    return bool(node.attrs) if node.op is None else not isinstance(node.op, Op)


def page(namespace: dict[str, Any]) -> None:
    """Let the functions of a page of public names be operations of models.

    Args:
        namespace: the variables of the page's module.
    """
    for name in FORMS:
        function = namespace.get(name)
        if callable(function):
            namespace[name] = _operation(name, function)


@functools.cache
def _operation(name: str, function: Callable) -> Callable:
    if _functions.setdefault(name, function) is not function:
        return function
    form = FORMS[name]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _is_building(args) or (kwargs and _is_building(kwargs.values())):
            bound = inspect.signature(function).bind(*args, **kwargs)
            operation, given = Operation.of(form, bound.arguments)
            return operation(*given)
        return function(*args, **kwargs)

    call.__module__ = f"kerasnb.ops{'.image' if form.page == 'image' else ''}"
    return call


def _operator(name: str, *operands: Any) -> Any:
    """What an operator of Python makes of the tensors of a model under construction."""
    if not _is_building(operands):
        return NotImplemented
    return Operation(FORMS[_OPERATORS.get(name, name)], {})(*operands)


_OPERATORS = {
    "negate": "negative", "abs": "absolute", "and": "logical_and", "or": "logical_or",
    "not": "logical_not",
}  # fmt: skip

Operators._operator = staticmethod(_operator)

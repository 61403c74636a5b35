"""Chain: the layers of a torch module in the order in which a value passes through them."""

from torch import fx, nn

from enn_training.errors import OptionError
from enn_training.nn.activation import DCTActivation


def trace_chain(module: nn.Module) -> list[nn.Module]:
    """Return the submodules in the order in which a value passes through them, without dropout and identities.

    Raises:
        OptionError: The module cannot be traced, or a value takes more than one path.
    """
    try:
        graph = _Tracer().trace(module)
    except Exception as error:  # whatever the module's own code raises
        raise OptionError(f"the forward pass of {type(module).__name__} depends on its input: {error}") from error
    chain: list[nn.Module] = []
    source, *steps, result = graph.nodes
    for step in (*steps, result):
        if step.all_input_nodes != [source] or step.op not in ("call_module", "output"):
            raise OptionError(f"step {step.name!r} is not one of a chain of Linear and DCTActivation")
        if step is not result:
            chain.append(module.get_submodule(str(step.target)))
            source = step
    return [part for part in chain if not isinstance(part, nn.Dropout | nn.Identity)]


class _Tracer(fx.Tracer):
    """Trace a module with `torch.fx`; each `DCTActivation` is a single step."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, DCTActivation) or super().is_leaf_module(m, module_qualified_name)

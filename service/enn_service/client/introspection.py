"""Introspection, AsyncIntrospection: the calls of both clients about a whole model."""

from abc import ABC, abstractmethod
from typing import Any, TypeVar, Unpack

from enn_service.client import calls
from enn_service.client.calls import ApiCall, ImportanceParameters, RowsCall, SliceParameters

Result = TypeVar("Result")


class Introspection(ABC):
    """Calls of the synchronous client about a whole model."""

    @abstractmethod
    def _send(self, call: ApiCall[Result] | RowsCall[Result]) -> Result:
        """Make a call and return its result."""

    def activations(
        self, model: str, *, version: str | None = None, layer: int | None = None, points: int | None = None
    ) -> dict[str, Any]:
        """Return the learned activation functions.

        Args:
            model: Name of the model.
            version: Version of the model; None for the highest that is ready.
            layer: Index of a layer; None for all layers.
            points: Number of points per curve; None for the service's default.

        Returns:
            Curve, DCT coefficients, input density and importance of each neuron, by layer.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(calls.introspect(model, version, "activations", {"layer": layer, "points": points}))

    def surface(
        self, model: str, x: str, y: str, *, version: str | None = None, **parameters: Unpack[SliceParameters]
    ) -> dict[str, Any]:
        """Return an output as a function of two features.

        Args:
            model: Name of the model.
            x: Feature that varies along the rows of the returned tables.
            y: Feature that varies along their columns.
            version: Version of the model; None for the highest that is ready.
            **parameters: Options of the surface:
                output: Class label or name of the output. Default: the service's choice.
                bumps: True to return the bump of each neuron too.
                points: Number of points along each axis.
                at: Values of the other features by name. Default: typical values.

        Returns:
            Values of both axes and tables of the output.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(calls.introspect(model, version, "surface", {"x": x, "y": y, **parameters}))

    def profile(
        self, model: str, feature: str, *, version: str | None = None, **parameters: Unpack[SliceParameters]
    ) -> dict[str, Any]:
        """Return an output as a function of one feature.

        Args:
            model: Name of the model.
            feature: Feature that varies.
            version: Version of the model; None for the highest that is ready.
            **parameters: Options of `surface`.

        Returns:
            Values of the axis and of the output.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(calls.introspect(model, version, "profile", {"feature": feature, **parameters}))

    def importance(
        self, model: str, *, version: str | None = None, **parameters: Unpack[ImportanceParameters]
    ) -> dict[str, Any]:
        """Return how much each feature and each pair of features changes an output, and their average effects.

        Args:
            model: Name of the model.
            version: Version of the model; None for the highest that is ready.
            **parameters: Options of the importance:
                output: Class label or name of the output. Default: the service's choice.
                interactions: False to leave the pairs out, which takes less time. Default: True for one hidden layer.
                rows: Number of background rows to average over. Default: as many as the service has time for.
                points: Number of points of each average effect.
                top: Number of pairs to return, strongest first. Default: all.

        Returns:
            Mean absolute Shapley values of features and pairs, and average effects as curves.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(calls.introspect(model, version, "importance", parameters))


class AsyncIntrospection(ABC):
    """Calls of the asynchronous client about a whole model."""

    @abstractmethod
    async def _send(self, call: ApiCall[Result] | RowsCall[Result]) -> Result:
        """Make a call and return its result."""

    async def activations(
        self, model: str, *, version: str | None = None, layer: int | None = None, points: int | None = None
    ) -> dict[str, Any]:
        """Return the learned activation functions.

        Args:
            model: Name of the model.
            version: Version of the model; None for the highest that is ready.
            layer: Index of a layer; None for all layers.
            points: Number of points per curve; None for the service's default.

        Returns:
            Curve, DCT coefficients, input density and importance of each neuron, by layer.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return await self._send(calls.introspect(model, version, "activations", {"layer": layer, "points": points}))

    async def surface(
        self, model: str, x: str, y: str, *, version: str | None = None, **parameters: Unpack[SliceParameters]
    ) -> dict[str, Any]:
        """Return an output as a function of two features.

        Args:
            model: Name of the model.
            x: Feature that varies along the rows of the returned tables.
            y: Feature that varies along their columns.
            version: Version of the model; None for the highest that is ready.
            **parameters: Options of the surface:
                output: Class label or name of the output. Default: the service's choice.
                bumps: True to return the bump of each neuron too.
                points: Number of points along each axis.
                at: Values of the other features by name. Default: typical values.

        Returns:
            Values of both axes and tables of the output.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return await self._send(calls.introspect(model, version, "surface", {"x": x, "y": y, **parameters}))

    async def profile(
        self, model: str, feature: str, *, version: str | None = None, **parameters: Unpack[SliceParameters]
    ) -> dict[str, Any]:
        """Return an output as a function of one feature.

        Args:
            model: Name of the model.
            feature: Feature that varies.
            version: Version of the model; None for the highest that is ready.
            **parameters: Options of `surface`.

        Returns:
            Values of the axis and of the output.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return await self._send(calls.introspect(model, version, "profile", {"feature": feature, **parameters}))

    async def importance(
        self, model: str, *, version: str | None = None, **parameters: Unpack[ImportanceParameters]
    ) -> dict[str, Any]:
        """Return how much each feature and each pair of features changes an output, and their average effects.

        Args:
            model: Name of the model.
            version: Version of the model; None for the highest that is ready.
            **parameters: Options of the importance:
                output: Class label or name of the output. Default: the service's choice.
                interactions: False to leave the pairs out, which takes less time. Default: True for one hidden layer.
                rows: Number of background rows to average over. Default: as many as the service has time for.
                points: Number of points of each average effect.
                top: Number of pairs to return, strongest first. Default: all.

        Returns:
            Mean absolute Shapley values of features and pairs, and average effects as curves.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return await self._send(calls.introspect(model, version, "importance", parameters))

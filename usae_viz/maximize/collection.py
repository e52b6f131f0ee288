"""The results of several concepts, as `maximize` returns them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from usae_viz.errors import UsageError
from usae_viz.maximize.result import Floats, MaximizeResult, Pixels


class MaximizeResults(Sequence[MaximizeResult]):
    """The results of several concepts, in the order asked for.

    Of a single concept, `images`, `alpha`, `transfer`, `natural`, `trajectory` and `verdict` can be
    read right here.
    """

    def __init__(self, results: Sequence[MaximizeResult]) -> None:
        self._results = tuple(results)

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, item: int) -> MaximizeResult: ...
    @overload
    def __getitem__(self, item: slice) -> MaximizeResults: ...
    def __getitem__(self, item: int | slice) -> MaximizeResult | MaximizeResults:
        if isinstance(item, slice):
            return MaximizeResults(self._results[item])
        return self._results[item]

    def __iter__(self) -> Iterator[MaximizeResult]:
        return iter(self._results)

    def __repr__(self) -> str:
        return f"MaximizeResults of concepts {', '.join(str(r.concept) for r in self)}"

    def _repr_html_(self) -> str:
        return "".join(result._repr_html_() for result in self)

    @property
    def only(self) -> MaximizeResult:
        """The one result.

        Raises:
            UsageError: there are more.
        """
        if len(self) != 1:
            raise UsageError(
                f"these are the results of {len(self)} concepts",
                expected="one concept",
                hint="pick one: results[0].images",
            )
        return self._results[0]

    @property
    def images(self) -> dict[str, Pixels]:
        """Pictures of the only concept."""
        return self.only.images

    @property
    def alpha(self) -> dict[str, Pixels]:
        """Alpha maps of the only concept."""
        return self.only.alpha

    @property
    def transfer(self) -> Floats:
        """Transfer matrix of the only concept."""
        return self.only.transfer

    @property
    def natural(self) -> dict[str, float]:
        """Natural levels of the only concept."""
        return self.only.natural

    @property
    def trajectory(self) -> dict[str, list[float]]:
        """Trajectories of the only concept."""
        return self.only.trajectory

    @property
    def verdict(self) -> str:
        """Verdict on the only concept."""
        return self.only.verdict

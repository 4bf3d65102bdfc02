"""`BestUnderGoal`: the result of a run that has a goal and a cost: enough, then goal met, then least cost."""

from __future__ import annotations

_Rank = tuple[bool, bool, float]
"""Not enough, goal not met, cost."""


class BestUnderGoal:
    """The best step so far, ordered by (enough, goal met, least cost), and whether more steps are likely to improve it.

    With a loss such as  relu(goal) + cost  the last step need not be the best one, because the cost goes on changing
    after the goal is met. A run is finished at a step that is enough, or when the goal is met and `patience` steps in a
    row brought no lower cost.

    Args:
        patience: steps without improvement after which a met goal ends the run, at least 1; None never ends it.
        improvement: share by which a cost must be lower to count as an improvement, in [0, 1).

    Raises:
        ValueError: an argument out of range.
    """

    def __init__(self, patience: int | None = None, improvement: float = 0.0) -> None:
        if patience is not None and patience < 1:
            raise ValueError(f"patience must be at least 1 step, or None; got {patience}.")
        if not 0 <= improvement < 1:
            raise ValueError(f"improvement must be a share in [0, 1); got {improvement}.")
        self._patience, self._improvement = patience, improvement
        self._rank: _Rank | None = None
        self._reference: _Rank | None = None
        self._without_improvement = 0

    @property
    def met(self) -> bool:
        """Whether the best step meets the goal."""
        return self._rank is not None and not self._rank[1]

    @property
    def finished(self) -> bool:
        """Whether a step was enough, or the goal is met and the last `patience` steps improved nothing."""
        enough = self._rank is not None and not self._rank[0]
        return enough or (self.met and self._patience is not None and self._without_improvement >= self._patience)

    def add(self, met: bool, cost: float, enough: bool = False) -> bool:
        """Add a step, and return whether it is the best so far; of equal ones the first is.

        Args:
            met: whether the step meets the goal.
            cost: what is lowered, finite.
            enough: whether a step that meets the goal needs no lower cost; of several the cheapest is the best.
        """
        rank = (not (met and enough), not met, cost)
        if self._reference is None or rank < self._lower(self._reference):
            self._reference, self._without_improvement = rank, 0
        else:
            self._without_improvement += 1
        best = self._rank is None or rank < self._rank
        if best:
            self._rank = rank
        return best

    def _lower(self, rank: _Rank) -> _Rank:
        return rank[0], rank[1], rank[2] - self._improvement * abs(rank[2])

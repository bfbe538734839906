"""What must hold of every history of a watch: of a model, of the real client, or of a process that is killed.

A `History` is a list of moments in the order in which they happened. Whoever runs a watch appends them:

* `Start` when a process takes the store into use, with a number that grows with each owner; `Crash` when it dies.
* `Answer` for each window of live/orders/read that was answered, with all rows that came and the look it belongs to.
* `Commit` for each transaction of the store that was kept, also one whose process died before it knew. Its `changes`
  are the new ones, as the store numbered them; `answer` is the position, in the list of moments, of the answer whose
  facts it keeps; `complete_through` is set if it says that everything was read by a look, and `remembered` at
  the end of each look: how many orders the list is thought to have from then on.
* `Delivery` when a consumer is given a change; `Acknowledgement` when the store has kept that it needs it no more.
* `Failure` when a project could not be read in a look; `Memory` when somebody measured; `Erasure` if the world told
  that orders exist no more; `Quiet` at the end, if the world stood still and everything was read and delivered since.

Times are Unix seconds by the server's clock. Orders are told apart by what QuantConnect says of them (`thing`), never
by the numbers that the watch gives: those are what is examined. What cannot be recorded may be left out, and is not
examined then. `check` names the first invariant that is broken, and the moment.
"""

from tests.invariants.folding import Folded, tell
from tests.invariants.moments import (
    Acknowledgement,
    Answer,
    Broken,
    Commit,
    Crash,
    Delivery,
    Erasure,
    Failure,
    History,
    Memory,
    Moment,
    Quiet,
    Start,
    Thing,
    thing,
)
from tests.invariants.rules import INVARIANTS, check

__all__ = [
    "INVARIANTS",
    "Acknowledgement",
    "Answer",
    "Broken",
    "Commit",
    "Crash",
    "Delivery",
    "Erasure",
    "Failure",
    "Folded",
    "History",
    "Memory",
    "Moment",
    "Quiet",
    "Start",
    "Thing",
    "check",
    "tell",
    "thing",
]

"""The checker behind the shape annotations: shapes and kinds strictly; int for float, and any str for a Literal,
pass, because the code's own messages about those are under test.
"""

from typing import Literal

from beartype import BeartypeConf, FrozenDict, beartype

check = beartype(
    conf=BeartypeConf(
        is_pep484_tower=True,
        hint_overrides=FrozenDict(
            {
                Literal["noise", "data", "flow"]: str,
                Literal["midpoint", "exact", "unipc-bh1", "unipc-bh2"]: str,
                Literal["scheduler", "sigma_min", "zero"]: str,
                Literal["independent", "posterior"]: str,
                Literal["stored", "resolved"]: str,
                Literal["epsilon", "sample", "v_prediction", "flow_prediction"]: str,
            }
        ),
    )
)

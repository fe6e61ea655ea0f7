"""Every threshold of the comparison of components, each with its reason. They are part of `base.VERSION`."""

from __future__ import annotations

LEAST_CORRELATION = 0.5
"""Of two tensors that are taken for versions of one. A 50/50 merge with a stranger correlates by about 0.7 with its
parents; two tensors of different trainings by less than 0.2."""

CHANCE_MARGIN = 0.05
"""Added to sqrt(2 ln(pairs) / samples), the largest correlation to be expected of so many pairs of strangers."""

CENTRED = 0.5
"""Where the mean is more than this share of the root mean square on both sides, the correlation is centred: two
unrelated tensors of positive values correlate by 0.67 otherwise."""

RMS_RATIO = 2.0
"""Tensors whose root mean squares differ by more than this factor are no versions of one another."""

LEAST_SAMPLES = 20
"""Fewer informative samples than this pair nothing."""

PART_CORRELATION = 0.9
"""Of a tensor with a part of a fused one, on the rows whose samples coincide: they are as few as 20."""

FEW_CORRELATION = 0.97
"""The same with fewer than `LEAST_SAMPLES`: the last of parts in the proportion 4:1:1 has 10."""

FEWEST_SAMPLES = 8
"""With fewer coinciding samples than this no part is believed."""

FUSED_SHARE = 0.2
"""Fused parts are looked for where this share of the core values of one side is paired already: a model whose q, k, v,
gates and ups are fused still has its outputs and downs. Among strangers it would be time wasted."""

FUSED_BUDGET = 20_000
"""Trials of parts at one place of a fused tensor, together: half a second."""

MOST_PARTS = 4
"""Tensors that are added up in search of a fused one by exact keys: q, k, v and one more."""

MOST_NEIGHBOURS = 12
"""Open tensors of one block whose sums are tried: 12 have 781 subsets of two to four."""

CORRELATION_BUDGET = 400_000_000
"""Pairs of tensors whose samples are correlated at most: a mixture of 18,000 experts of equal size."""

CORRELATION_ROWS = 256
"""Tensors that are correlated with all of the other side at once: bounds the memory to some 20 MB."""

MOST_LIKENESSES = 64
"""Candidates that one tensor may have on average; beyond that only the likest of each is kept."""

SMALL_BUDGET = 4_000_000
"""Pairs of small tensors whose values are compared, so that a hostile file does not take minutes."""

ON_GRID = 0.9
"""A tensor with this share of its non-zero samples on a coarser grid was rounded to it before it was stored."""

SIBLINGS_SHARE = 0.01
"""Two roundings of one parent, one by way of bf16, may miss each other in this share of the samples at most."""

NEAR_SHARE = 0.1
"""With more samples than this off by a step it is no double rounding (6.3 % for f16 to bf16)."""

IMPORTANCE_SHARE = 0.05
"""Of the samples of Q4_0, Q4_1, Q5_0 and Q5_1 tensors, those that an importance matrix moved (1 to 5 % measured)."""

COVERED = 0.90
"""Both sides must find this share of their core values in the other to be the same: exports drop poolers."""

COVERED_FULLY = 0.995
"""One of them must find this share."""

DERIVED_SHARE = 0.5
"""Half of the core values of one have a version in the other: one was made of the other, or both of a third."""

SHARED_VALUES = 0.05
"""What is less than this share of the values is no shared part: fixed tables of the architecture."""

SHARED_TENSORS = 3
"""Fewer tensors than this are a coincidence of fixed tables."""

SHARED_DISTANCE = 0.5
"""Relative. Shared parts are no further apart."""

FEWEST_CORE = 3
"""With fewer core tensors only exact keys and digests tell anything: 200 samples are no evidence."""

EXPECTED = 3.0
"""Contradictions that a change at the detection limit is expected to give: 95 % to see one at least."""

LIMIT_SAMPLES = 1200
"""Samples from which the detection limit is computed; more of them would only cost time."""

NAMES_COMPARABLE = 0.5
"""From this share of pairs with equal names on, both sides name alike, and a tensor's place is its name."""

NAMES_IN_COMMON = 0.9
"""Or from this share of the names of the smaller side on that the other has too, whatever they stand for."""

NAMES_DEVIATE = 0.15
"""More deviants than this from the rule that maps names to names mean that there is no such rule."""

GROUP = 3
"""A group of fewer names has no majority."""

"""Where a row holds: the limits include what they name, and a limit left out limits nothing."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.plan.scope import Place, Scope

PLACE = Place(
    version=(3, 11, 2),
    distro=frozenset({"debian12", "debian"}),
    capabilities=frozenset({"ssl"}),
    openssl=(3, 0),
    gcc=(12, 2),
    arch="amd64",
    variant="default",
    optimize="pgo",
)


@pytest.mark.parametrize(
    ("limits", "holds"),
    [
        ({}, True),
        ({"since": "3.11"}, True),
        ({"since": "3.11.2"}, True),
        ({"since": "3.11.3"}, False),
        ({"since": "3.9"}, True),
        ({"since": "3.12"}, False),
        ({"until": "3.11"}, True),
        ({"until": "3.11.2"}, True),
        ({"until": "3.11.1"}, False),
        ({"until": "3"}, True),
        ({"until": "3.9"}, False),
        ({"distros": ["debian12"]}, True),
        ({"distros": ["debian"]}, True),
        ({"distros": ["debian13"]}, False),
        ({"openssl_since": "3.0"}, True),
        ({"openssl_since": "3"}, True),
        ({"openssl_since": "3.1"}, False),
        ({"gcc_since": "12"}, True),
        ({"gcc_since": "14"}, False),
        ({"gcc_until": "12"}, True),
        ({"gcc_until": "12.1"}, False),
        ({"gcc_until": "11"}, False),
        ({"given": ["ssl"]}, True),
        ({"given": ["ssl", "decimal"]}, False),
        ({"lacking": ["decimal"]}, True),
        ({"lacking": ["ssl"]}, False),
        ({"arches": ["arm64"]}, False),
        ({"variants": ["default", "debug"]}, True),
        ({"optimize": ["none"]}, False),
        ({"since": "3.9", "until": "3.11", "arches": ["amd64"], "optimize": ["pgo"]}, True),
    ],
)
def test_limits(limits, holds):
    assert Scope.model_validate(limits).holds(PLACE) is holds


@given(st.tuples(*[st.integers(0, 20)] * 3), st.tuples(*[st.integers(0, 20)] * 3), st.integers(1, 3))
def test_a_version_is_on_one_side_of_a_bound_or_on_it(version, bound, length):
    text = ".".join(map(str, bound[:length]))
    place = dataclasses.replace(PLACE, version=version)
    since, until = Scope.model_validate({"since": text}).holds(place), Scope.model_validate({"until": text}).holds(place)
    assert since or until
    assert (since and until) == (version[:length] == bound[:length])

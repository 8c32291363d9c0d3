"""What a request costs the worker stays within the limits of test/bench/limits.json.

The limits are the counts at the time when they were written down; 3 % more is a failure, of a
request with many fields 5 %. After a change that saves some, or that is worth its cost,
`make bench ARGS=counts` prints the new ones.
"""
import json
import re
import subprocess

import pytest

from tg.counts import (LIMITS, ROUTE, SCENARIOS, UNDER_CALLGRIND, count_instructions,
                       system_calls)
from tg.gateway import BINARY

MARGIN = 1.03
MARGINS = {"sdk_post": 1.05}
REQUESTS = 200


@pytest.fixture(scope="module")
def demo():
    """An upstream that answers each request in one piece."""
    process = subprocess.Popen([BINARY, "demo"], stdout=subprocess.PIPE, text=True)
    yield re.match(r"demo (\S+)", process.stdout.readline()).group(1)
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture
def over_limit():
    """over_limit(scenario, what, count): adds to what fails the test at its end."""
    with open(LIMITS, encoding="utf-8") as f:
        limits = json.load(f)
    faults = []

    def check(scenario, what, count):
        limit = limits[scenario][what]
        if count > limit * MARGINS.get(scenario, MARGIN):
            faults.append(f"{scenario}: {count:.2f} {what} per request, limit {limit}")

    check.limits = limits
    yield check
    assert not faults, faults


def test_instructions_and_allocations(gateways, demo, over_limit):
    gateway = gateways(route={"upstream": demo, **ROUTE}, wrapper=UNDER_CALLGRIND)
    for name, scenario in SCENARIOS.items():
        instructions, allocations = count_instructions(gateway, scenario, REQUESTS)
        over_limit(name, "instructions", instructions)
        over_limit(name, "allocations", allocations)


@pytest.mark.parametrize("name", SCENARIOS)
def test_system_calls(gateways, demo, over_limit, name):
    """A busy machine cuts a body into more reads than it needs: the best of three tries counts."""
    gateway = gateways(route={"upstream": demo, **ROUTE})
    tries = (sum(system_calls(gateway, SCENARIOS[name], REQUESTS).values()) for _ in range(3))
    limit = over_limit.limits[name]["system_calls"] * MARGINS.get(name, MARGIN)
    counts = []
    for count in tries:
        counts.append(count)
        if count <= limit:
            break
    over_limit(name, "system_calls", min(counts))

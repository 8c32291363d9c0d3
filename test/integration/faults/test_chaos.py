"""Everything misbehaves at once; afterwards nothing is stuck, lost or doubled.

CHAOS_SECONDS (10; 600 in the full run) and CHAOS_SEED say how long and which.
"""
import os
import random
import time

import pytest

from tg.chaos import Caller, DatabaseKiller, chaotic_upstream
from tg.wait import eventually

FULL = os.environ.get("TOLLGATE_TEST_FULL") == "1"
SECONDS = float(os.environ.get("CHAOS_SECONDS", "600" if FULL else "10"))
SEED = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))

QUICK = {"head_s": 2, "body_s": 2, "connect_s": 2, "first_byte_s": 2, "idle_s": 2}


@pytest.mark.sanitizer
@pytest.mark.timeout(SECONDS + 120)
def test_chaos(gateways, upstreams, cluster, database):
    print(f"CHAOS_SEED={SEED}")
    gateway = gateways(upstreams(chaotic_upstream), workers=2, timeouts=QUICK)
    callers = [Caller(gateway.port, gateway.key, SEED + i) for i in range(12)]
    killer = DatabaseKiller(cluster, SEED)
    for thread in [*callers, killer]:
        thread.start()
    time.sleep(SECONDS)
    for thread in [*callers, killer]:
        thread.stop.set()
    for thread in [*callers, killer]:
        thread.join(60)
        assert not thread.is_alive(), "a caller or the database is stuck"
    completed = {i for c in callers for i in c.completed if i}
    assert len(completed) > 20 and killer.kills > 0

    def recorded():
        return {r["request_id"] for r in database.query(
            "SELECT request_id FROM token_usage_logs")}

    eventually(lambda: completed <= recorded(), "each answered call has its row", 40)
    doubled = database.query("SELECT request_id FROM token_usage_logs"
                             " GROUP BY request_id HAVING count(*) > 1")
    assert doubled == []

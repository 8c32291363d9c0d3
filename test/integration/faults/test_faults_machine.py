"""Faults under load: a full disk, a clock that is set back, a power cut."""
import datetime
import os
import struct
import subprocess

import pytest

from tg.build import build
from tg.ledger import Ledger, all_stored, groups, verify
from tg.power import Power
from tg.wait import eventually

SHORT = {"idle_s": 0.2}
DAY_NS = 86400 * 10**9


# --- a full disk ---

@pytest.fixture
def small_disk(tmp_path):
    """The path of a file system of 8 MiB."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a file system")
    path = tmp_path / "small"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield str(path)
    subprocess.run(["umount", "-l", path], check=True)


def fill(disk):
    """Takes all the room that is left; returns the file that has it."""
    path = os.path.join(disk, "filler")
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"\0" * 4096)
        except OSError:
            return path


def count(database):
    return (database.value("SELECT count(*) FROM token_usage_logs"),
            database.value("SELECT coalesce(sum(dropped), 0) FROM usage_gaps"))


def test_full_disk(gateways, echo_upstream, cluster, database, small_disk):
    """What finds no room is counted; what found some outlives a kill, also if the next process
    finds the disk full at its start."""
    gateway = gateways(echo_upstream, pools=SHORT, start=False, state_dir="state",
                       tokens={"max_stale_s": 3600},
                       usage={"journal_dir": os.path.join(small_disk, "journal"),
                              "ring_bytes": 65536, "sync_ms": 50})
    gateway.journal = gateway.settings["usage"]["journal_dir"]
    gateway.expect_error(".")
    gateway.start()
    eventually(lambda: os.path.exists(os.path.join(gateway.folder, "state", "tokens.snapshot")),
               "a snapshot of the keys")
    cluster.stop("immediate")
    filler = fill(small_disk)
    ledger = Ledger(gateway)
    eventually(lambda: "cannot write: No space left on device" in gateway.log(), "the log tells")
    eventually(lambda: "no room is left" in gateway.log(), "events are dropped")
    ledger.wait_more(200)
    ledger.stop()
    gateway.kill()
    cluster.start()
    gateway.start()
    assert "events wait in memory" in gateway.log()
    eventually(lambda: not groups(gateway), "the killed process's group is stored and gone")
    os.unlink(filler)
    stored, dropped = count(database)
    assert stored > 0 and dropped > 0
    assert 0 <= stored + dropped - ledger.count() <= ledger.broken
    verify(gateway)
    wait_for_own_group(gateway)


def wait_for_own_group(gateway):
    """Events waited in memory; where there is room again a folder is made, whose files stay open."""
    eventually(lambda: "events wait on the disk from now on" in gateway.log(), "there is room", patience_s=40)
    eventually(lambda: len(groups(gateway)) == 1, "a group of its own")
    gateway.fds_at_start = max(gateway.fds_at_start, gateway.open_fds())


def remount(disk, how):
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def test_read_only_disk(gateways, echo_upstream, cluster, database, small_disk):
    """A group that is stored but cannot be removed is not stored again, by this process or the
    next; and goes once it can."""
    gateway = gateways(echo_upstream, pools=SHORT, start=False,
                       usage={"journal_dir": os.path.join(small_disk, "journal"),
                              "ring_bytes": 65536, "sync_ms": 50})
    gateway.journal = gateway.settings["usage"]["journal_dir"]
    gateway.expect_error("Read-only file system")
    gateway.start()
    group, = groups(gateway)
    other = cluster.connect(database.name)
    other.autocommit = False
    other.cursor().execute("LOCK TABLE usage_cursors IN ACCESS EXCLUSIVE MODE")
    with gateway.connect() as client:
        for _ in range(50):
            assert client.call("GET", "/api/test/x").status == 200
    gateway.kill()
    other.rollback()
    other.close()
    remount(small_disk, "ro")
    try:
        for tries in (2, 3):
            gateway.start()
            eventually(lambda n=tries: gateway.log().count(f"cannot remove {group}") >= n,
                       "removing it is tried again")
            assert groups(gateway) == [group]
            assert database.value("SELECT count(*) FROM usage_cursors WHERE lane_group = %s",
                                  [group]) > 0
            if tries == 2:
                gateway.terminate()
                assert gateway.wait_exit() == 0
    finally:
        remount(small_disk, "rw")
    eventually(lambda: group not in groups(gateway), "it is gone")
    assert len(database.usage()) == 50
    verify(gateway)
    wait_for_own_group(gateway)


def test_own_folder_that_stays(gateways, echo_upstream, database):
    """At the end of a process too."""
    gateway = gateways(echo_upstream, pools=SHORT)
    gateway.expect_error("cannot remove|left alone")
    with gateway.connect() as client:
        for _ in range(5):
            assert client.call("GET", "/api/test/x").status == 200
    database.wait_usage(5)
    group, = groups(gateway)
    os.mkdir(os.path.join(gateway.journal, group, "folder"))
    gateway.terminate()
    assert gateway.wait_exit() == 0
    assert groups(gateway) == [group]
    assert {r["lane_group"] for r in database.query(
        "SELECT replace(lane_group::text, '-', '') AS lane_group FROM usage_cursors")} == {group}


# --- a clock that is set back ---

def test_clock_set_back(gateways, echo_upstream, database, tmp_path):
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("q", 0))

    def shift(days):
        with open(clock, "r+b") as f:
            f.write(struct.pack("q", days * DAY_NS))

    gateway = gateways(echo_upstream, pools=SHORT, start=False)
    gateway.env = {"LD_PRELOAD": build("preload/faults.c", shared=True),
                   "TOLLGATE_TEST_CLOCK": str(clock)}
    gateway.start()
    ledger = Ledger(gateway)
    for days in (0, -3, 1, 0):
        shift(days)
        ledger.wait_more(150)
    shift(-400)
    gateway.kill()
    gateway.start()
    ledger.wait_more(100)
    assert not ledger.stop().settle(database)
    all_stored(gateway)
    today = datetime.datetime.now(datetime.timezone.utc).date()
    days = {(r["day"] - today).days for r in
            database.query("SELECT DISTINCT used_at::date AS day FROM token_usage_logs")}
    assert {-400, -3, 0, 1} <= days


# --- a power cut ---

@pytest.mark.parametrize("away", [False, True], ids=["postgres up", "postgres away"])
@pytest.mark.parametrize("chance", [0.0, 0.5], ids=["nothing else", "some pages"])
def test_power_cut(gateways, echo_upstream, cluster, database, tmp_path, away, chance):
    """Lost is at most what was appended after the sync before the last one had ended."""
    gateway = gateways(echo_upstream, pools=SHORT, start=False, state_dir="state",
                       tokens={"max_stale_s": 3600},
                       usage={"ring_bytes": 1 << 20, "sync_ms": 200})
    gateway.expect_error(".")
    power = Power(str(tmp_path), gateway.journal)
    gateway.env = power.env
    gateway.start()
    ledger = Ledger(gateway)
    ledger.wait_more(100)
    if away:
        eventually(lambda: os.path.exists(
            os.path.join(gateway.folder, "state", "tokens.snapshot")), "a snapshot of the keys")
        cluster.stop("immediate")
    synced = len(power.rounds())
    eventually(lambda: len(power.rounds()) >= synced + 4, "the journal is synced")
    ledger.wait_more(50)
    gateway.kill()
    power.cut(chance, seed=1)
    safe_until = power.rounds()[-2]
    if away:
        cluster.start()
    gateway.start()
    ledger.wait_more(50)
    ledger.stop()
    may_be_lost = {i for i, at in ledger.appended_by().items() if at >= safe_until}
    lost = ledger.settle(database, may_be_lost)
    all_stored(gateway)
    assert "no room is left" not in gateway.log()
    print(f"{len(lost)} of {ledger.count()} lost")

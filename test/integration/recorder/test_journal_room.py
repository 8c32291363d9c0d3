"""The journal's bound over restarts, and files that are taken away."""
import os
import re
import shutil

import pytest

from tg.ledger import groups, verify
from tg.wait import eventually

SHORT = {"idle_s": 0.2}
SMALL = {"ring_bytes": 65536, "sync_ms": 50}


def calls(gateway, n):
    with gateway.connect() as client:
        return [client.call("GET", "/api/test/x").get("Tollgate-Request-Id") for _ in range(n)]


def stored(database):
    return {r["request_id"] for r in database.query("SELECT request_id FROM token_usage_logs")}


def bytes_of(folder):
    return sum(os.stat(os.path.join(path, name)).st_size
               for path, _, names in os.walk(folder) for name in names)


def await_snapshot(gateway):
    path = os.path.join(gateway.folder, "state", "tokens.snapshot")
    eventually(lambda: os.path.exists(path), "a snapshot of the keys")
    return path


def test_the_bound_holds_over_restarts(gateways, echo_upstream, cluster, database):
    """Killed again and again while PostgreSQL is away: where there is no room for a group, calls
    are served all the same; and once there is, it is made."""
    bound = 4 << 20
    gateway = gateways(echo_upstream, pools=SHORT, state_dir="state",
                       tokens={"max_stale_s": 3600}, usage={**SMALL, "journal_bytes": bound})
    gateway.expect_error(".")
    await_snapshot(gateway)
    cluster.stop("immediate")
    ids = []
    for _ in range(3):
        new = calls(gateway, 5)
        if "events wait in memory" not in gateway.log():
            ids += new
        gateway.kill()
        assert bytes_of(gateway.journal) <= bound
        gateway.start()
    assert len(ids) == 10 and "No space left" in gateway.log()
    ids += calls(gateway, 5)
    cluster.start()
    eventually(lambda: set(ids) <= stored(database), "all that could wait is stored", patience_s=40)
    eventually(lambda: "events wait on the disk from now on" in gateway.log(), "there is room")
    eventually(lambda: len(groups(gateway)) == 1, "a group of its own")
    gateway.fds_at_start = gateway.open_fds()
    ids += calls(gateway, 5)
    eventually(lambda: set(ids) == stored(database), "and goes on", patience_s=40)
    verify(gateway)


@pytest.mark.parametrize("what", ["the group", "the folder"])
def test_a_folder_that_is_deleted(what, gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream, pools=SHORT, usage=SMALL)
    gateway.expect_error(".")
    ids = calls(gateway, 5)
    database.wait_usage(5)
    group, = groups(gateway)
    # At one stroke: what goes file by file may meet the new group on its way.
    gone = gateway.journal + ".gone"
    os.rename(os.path.join(gateway.journal, group) if what == "the group" else gateway.journal, gone)
    shutil.rmtree(gone)
    # While the files go one by one it may already be seen that the first of them is gone.
    eventually(lambda: re.search(f"group {group}, which is in use: its (folder|file `[a-z0-9.-]+`) was taken away",
                                 gateway.log()), "it is told")
    eventually(lambda: "events wait on the disk from now on" in gateway.log(), "another is made")
    ids += calls(gateway, 5)
    eventually(lambda: len(stored(database)) == 10, "stored")
    cluster.stop("immediate")
    ids += calls(gateway, 5)
    gateway.kill()
    cluster.start()
    gateway.start()
    eventually(lambda: stored(database) == set(ids), "all is stored")
    verify(gateway)


@pytest.mark.parametrize("file, how", [("ring", "missing"), ("counts", "missing"), ("ring", "cut"),
                                       ("counts", "cut"), ("ring", "swapped")])
def test_a_file_that_is_not_whole_is_told_of(file, how, gateways, echo_upstream, cluster, database):
    gateway = gateways(echo_upstream, pools=SHORT, usage={"ring_bytes": 65536})
    gateway.expect_error(".")
    cluster.stop("immediate")
    calls(gateway, 5)
    group, = groups(gateway)
    gateway.kill()
    path, other = (os.path.join(gateway.journal, group, f"lane-{n}.{file}") for n in (0, 1))
    if how == "missing":
        os.unlink(path)
    elif how == "cut":
        os.truncate(path, 4096 + 300)
    else:
        os.rename(other, path)
    cluster.start()
    gateway.start()
    told = {"missing": "is missing", "cut": "is cut", "swapped": "is damaged, or another file"}[how]
    eventually(lambda: any(f"{group}/lane-0.{file} {told}" in line and "ERROR" in line
                           for line in gateway.log().splitlines()), "it is told")
    eventually(lambda: group not in groups(gateway), "what there is is stored, and it goes")
    if file == "counts":
        database.wait_usage(5)


@pytest.mark.parametrize("kind", ["fifo", "folder", "link"])
def test_a_snapshot_that_is_no_regular_file(kind, gateways, echo_upstream, database):
    gateway = gateways(echo_upstream, pools=SHORT, start=False, state_dir="state")
    os.mkdir(os.path.join(gateway.folder, "state"))
    path = os.path.join(gateway.folder, "state", "tokens.snapshot")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
        gateway.expect_error("snapshot")
    else:
        os.symlink("/dev/zero", path)
    gateway.start()
    assert f"WARN tokens: without {gateway.folder}/state/tokens.snapshot keys wait for PostgreSQL: it " \
        in gateway.log()
    calls(gateway, 1)
    database.wait_usage(1)

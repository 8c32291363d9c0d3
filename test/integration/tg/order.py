"""Which modules begin first.

A module's tests are run by one process (Makefile: --dist loadfile). One that takes long and begins last would have
the others wait at the end, so the longest come first: those of more than ten seconds, by what
--durations=0 tells of a whole run. A new one may stand in line like all others.
"""
LONGEST_FIRST = """
browser/test_scripts_1 browser/test_scripts_2 browser/test_dev_server
proxy/test_proxy_race sign_in/test_sign_in recorder/test_rollups proxy/test_proxy_ends dev/test_dev
faults/test_faults_database db/test_adoption run/test_service recorder/test_journal_life recorder/test_held
api/test_live api/test_hostile db/test_connecting proxy/test_proxy_faults generate/test_generate_remove
manager/test_manager proxy/test_counts statistics/test_questions faults/test_faults_machine
generate/test_generate recorder/test_upkeep api/test_usage_api proxy/test_proxy_secrets
recorder/test_last_used faults/test_chaos proxy/test_proxy_answers manager/test_ingest
recorder/test_recorder proxy/test_proxy_abort proxy/test_proxy_advice proxy/test_proxy_tls
faults/test_faults recorder/test_recording run/test_listening run/test_nginx sign_in/test_by_provider
proxy/test_proxy_names recorder/test_journal_room db/test_poolers token/test_nodes token/test_tokens
""".split()
PLACES = {name: place for place, name in enumerate(LONGEST_FIRST)}


def place_in_line(nodeid):
    """Of a test, by its id: proxy/test_proxy_race.py::test_..."""
    return PLACES.get(nodeid.split(".py::")[0], len(PLACES))

#!/bin/bash
# Installs the Debian packages that a set of make targets needs; does nothing when all are there.
# Usage: install-packages.sh SET... with sets build, unit, lint, dev, dashboard, check, full, screenshots, fuzz,
# analyze, bench.
set -eu

declare -A sets
sets[build]="gcc make pkg-config libc6-dev libevent-dev libssl-dev libpq-dev libcjson-dev libcjose-dev libcurl4-openssl-dev
	python3 python3-yaml"
sets[unit]="${sets[build]} libcmocka-dev"
sets[lint]="python3 git clang-format shellcheck"
sets[dev]="${sets[build]} postgresql ca-certificates curl"
sets[check]="${sets[dev]} ${sets[unit]} ${sets[lint]} python3-pytest python3-pytest-timeout
	python3-pytest-xdist python3-psycopg2 python3-jsonschema nginx pgbouncer openssl strace valgrind util-linux iproute2"
sets[full]="mmdebstrap"
sets[fuzz]="${sets[build]} clang"
sets[analyze]="${sets[build]} cppcheck clang-tidy git"
sets[bench]="${sets[dev]} python3-psycopg2 strace valgrind wrk haproxy nginx
	libnginx-mod-http-lua lua-nginx-string"

# Node builds the pages, and runs the provider that tests sign in at: Debian's, where there is none of another
# origin. Chromium is what the pages are tested in.
node="$(command -v node >/dev/null || echo nodejs) $(command -v npm >/dev/null || echo npm)"
sets[dev]+=" $node"
sets[dashboard]="$node"
sets[check]+=" $node chromium"
sets[full]+=" ${sets[check]}"
sets[screenshots]="fonts-noto-cjk fonts-liberation"

missing_of()
{
	local package seen

	seen=" $(dpkg-query -W -f='${db:Status-Status}:${Package} ' "$@" 2>/dev/null || true)"
	for package in "$@"; do
		[[ $seen == *" installed:$package "* ]] && continue
		seen+="installed:$package "
		printf '%s\n' "$package"
	done
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Debian's postgresql package starts a cluster of the system's own, and nginx a server on port
# 80. Nobody asked for either: only the programs are wanted. Forbidden while this runs only:
# who installs PostgreSQL later to use it gets its cluster.
forbidden=()
forbid_services()
{
	trap allow_services EXIT
	if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
		as_root mkdir -p /etc/postgresql-common
		forbidden+=(/etc/postgresql-common/createcluster.conf)
		echo 'create_main_cluster = false' |
			as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
	fi
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		forbidden+=(/usr/sbin/policy-rc.d)
		printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
		as_root chmod 755 /usr/sbin/policy-rc.d
	fi
}

allow_services()
{
	[ "${#forbidden[@]}" = 0 ] || as_root rm -f "${forbidden[@]}"
}

# Tries the package lists that are there first: a fresh machine may have none or old ones.
install_all()
{
	local apt=(env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get -q -y
		-o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold
		-o Acquire::Retries=3)
	local log

	log=$(mktemp)
	if as_root "${apt[@]}" install --no-install-recommends "$@" >"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	if as_root "${apt[@]}" update >"$log" 2>&1 &&
		as_root "${apt[@]}" install --no-install-recommends "$@" >>"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	cat "$log" >&2
	rm -f "$log"
	return 1
}

wanted=()
for set in "$@"; do
	if [ -z "${sets[$set]:-}" ]; then
		echo "install-packages.sh: no set '$set'" >&2
		exit 2
	fi
	read -r -d '' -a list <<<"${sets[$set]}" || true
	wanted+=("${list[@]}")
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "Not a Debian system: nothing is installed here. Needed are (Debian's names):" >&2
	printf '  %s\n' "$(printf '%s ' "${wanted[@]}" | fold -s -w 76)" >&2
	exit 0
fi

mapfile -t missing < <(missing_of "${wanted[@]}")
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
	echo "These packages are missing; as root: apt-get install ${missing[*]}" >&2
	exit 1
fi
echo "Installing with apt-get, as root: ${missing[*]}"
echo "(no system PostgreSQL cluster is created and no service is started)"
forbid_services
install_all "${missing[@]}"
# These are only here for tests and benches: they do not come up with the next boot either.
for service in nginx haproxy; do
	if [[ " ${missing[*]} " == *" $service "* ]] && command -v systemctl >/dev/null; then
		as_root systemctl disable "$service" >/dev/null 2>&1 || true
	fi
done

#!/bin/bash
# systemctl(1) for a root without systemd, where docs/deploying.md is followed: services of Debian
# by their init scripts, Tollgate by its unit as far as that matters: user, folders, ExecStartPre=,
# ExecStart=, and a start that ends when the program is ready.
set -eu

unit=/etc/systemd/system/tollgate.service
pid_file=/run/tollgate-shim.pid

values_of()
{
	sed -n "s/^$1=//p" "$unit"
}

in_unit()
{
	local -a command

	read -r -a command <<<"$1"
	runuser -u "$(values_of User)" -- env -i PATH=/usr/bin:/bin STATE_DIRECTORY=/var/lib/tollgate \
		RUNTIME_DIRECTORY=/run/tollgate "${command[@]}"
}

is_ready()
{
	curl -s -o /dev/null http://127.0.0.1:8787/ready
}

start_tollgate()
{
	local owner before

	owner=$(values_of User):$(values_of Group)
	install -d -m "$(values_of StateDirectoryMode)" -o "${owner%:*}" -g "${owner#*:}" /var/lib/tollgate
	install -d -m 755 -o "${owner%:*}" -g "${owner#*:}" /run/tollgate
	while read -r before; do
		in_unit "$before"
	done < <(values_of ExecStartPre)
	in_unit "$(values_of ExecStart)" </dev/null >/var/log/tollgate.log 2>&1 &
	echo $! >"$pid_file"
	until is_ready; do
		kill -0 "$(cat "$pid_file")" || { cat /var/log/tollgate.log; exit 1; }
		sleep 0.1
	done
}

action=$1
shift
[ "${1:-}" != --now ] || shift
case $action:${1:-} in
daemon-reload:) [ -e "$unit" ] || exit 0 ;;
enable:tollgate | start:tollgate) start_tollgate ;;
enable:postgresql | enable:nginx) service "$1" status >/dev/null 2>&1 || service "$1" start ;;
reload:nginx) service nginx reload ;;
*)
	echo "systemctl of the test: $action $* is not known" >&2
	exit 1
	;;
esac

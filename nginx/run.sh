#!/bin/sh
# nginx in front of server processes.
#
#   PORT=8080 UPSTREAMS="127.0.0.1:8001 127.0.0.1:8002" CACHE_DIR=build/nginx-cache VIEWER_DIR=viewer/dist sh nginx/run.sh
#
# CHECK=1 only checks the configuration. CACHE_SIZE is what tiles may take on disk (10g). Stops with Ctrl-C.
set -eu

fail() { echo "nginx: $*" >&2; exit 2; }

here=$(cd "$(dirname "$0")" && pwd)
PORT=${PORT:-8080}
UPSTREAMS=${UPSTREAMS:-127.0.0.1:8001 127.0.0.1:8002}
CACHE_SIZE=${CACHE_SIZE:-10g}
nginx=$(command -v nginx || command -v /usr/sbin/nginx) || fail "not installed; on Debian: apt-get install nginx-light"

expr "$PORT" : '[0-9]\{1,5\}$' >/dev/null || fail "PORT is a number, not '$PORT'"
expr "$CACHE_SIZE" : '[0-9]\{1,6\}[kmgKMG]$' >/dev/null || fail "CACHE_SIZE is like 10g, not '$CACHE_SIZE'"
mkdir -p "${CACHE_DIR:-build/nginx-cache}/temp"
cache=$(cd "${CACHE_DIR:-build/nginx-cache}" && pwd)
viewer=${VIEWER_DIR:-viewer/dist}
[ -d "$viewer" ] && viewer=$(cd "$viewer" && pwd)
case "$here$cache$viewer" in *[\"\|\&\\\$\;]*) fail "folders may not contain any of \" | & \\ \$ ;" ;; esac

servers=
for upstream in $UPSTREAMS; do
    expr "$upstream" : '[A-Za-z0-9_.:/-]*$' >/dev/null || fail "UPSTREAMS are host:port, not '$upstream'"
    servers="$servers server $upstream max_fails=1 fail_timeout=5s;"
done
[ -n "$servers" ] || fail "UPSTREAMS is empty"
user=
[ "$(id -u)" = 0 ] && user='user root;'  # (!) as root: whoever started it owns the cache and reads the viewer

sed -e "s|@PORT@|$PORT|g" -e "s|@UPSTREAMS@|$servers|g" -e "s|@CACHE_SIZE@|$CACHE_SIZE|g" -e "s|@USER@|$user|g" \
    -e "s|@CACHE_DIR@|$cache|g" -e "s|@VIEWER_DIR@|$viewer|g" -e "s|@HERE@|$here|g" \
    "$here/nginx.conf.template" > "$cache/nginx.conf"
# Includes within concerns/ are relative to the configuration's own folder.
ln -sfn "$here/concerns" "$cache/concerns"

"$nginx" -q -t -c "$cache/nginx.conf" -e stderr
[ -z "${CHECK:-}" ] || exit 0
echo "nginx: http://127.0.0.1:$PORT before $UPSTREAMS"
exec "$nginx" -c "$cache/nginx.conf" -e stderr -g 'daemon off;'

# shellcheck shell=sh disable=SC2034 # used by common.sh
# The package hall; see common.sh.

# The unit as docs/INSTALL.md had it copied, in each of its versions, and the drop-in.
HAND_FILES="/etc/systemd/system/hall.service /etc/systemd/system/hall.service.d/growing-pauses.conf"
HAND_SUMS="af375018e4ccb2fb182f54c59a4a435c0af01861c95243ec7283409c8b8a74b3
60eb48005c0a3d314806a3f691c9f2b511cc62715b5f0ce6f31b305698326d8b
88cd961c60cba0f04cea44d0eae3391e9cb7a984bc3caf7b4390c0b10b599257
a527054d1e54ff579e29202323ce26550961ebb873d12acccf321c865e4b1d50
f90baca3da04cfea3d7094f99c82b72dd1406eac01295dee81f64936ff803882"
OWN_FILES="hall.env domains.json domains.schema.json keys"
STATE=/var/lib/hall

# A store that a newer Hall has written cannot be read by this one. Both numbers stand in the head of the file: whose it is
# ("Hall") and its version.
before_unpacking() {
  [ -f "$STATE/hall.db" ] || return 0
  [ "$(dd if="$STATE/hall.db" bs=1 skip=68 count=4 2>/dev/null)" = Hall ] || return 0
  found=$(od -An -tu1 -j60 -N4 "$STATE/hall.db" | awk '{ print $1 * 16777216 + $2 * 65536 + $3 * 256 + $4 }')
  [ "$found" -gt "$STORE_SCHEMA" ] || return 0
  cat >&2 <<END
hall: not installed: the store $STATE/hall.db has version $found, and this Hall reads versions up to $STORE_SCHEMA.
hall: A newer Hall wrote it. Install that one, or go back with a backup that the older one made:
hall: systemctl stop hall; mv $STATE/hall.db $STATE/hall.db.newer; rm -f $STATE/hall.db-wal $STATE/hall.db-shm
hall: then cp one of $STATE/hall.db.backup.* to $STATE/hall.db, and install again.
END
  exit 1
}

# Moves what an installation by hand has in /etc/hall to where the daemon may rewrite it.
move_configuration() {
  for file in domains.json domains.schema.json; do
    if [ -f "/etc/hall/$file" ] && [ ! -e "$STATE/$file" ]; then
      mv "/etc/hall/$file" "$STATE/$file"
      chown hall:hall "$STATE/$file"
      chmod 600 "$STATE/$file"
      echo "hall: moved /etc/hall/$file to $STATE/$file" >&2
    fi
  done
}

after_unpacking() { # VERSION THAT WAS CONFIGURED LAST
  if [ -f /etc/systemd/system/hall.service ]; then
    cat >&2 <<END
hall: /etc/systemd/system/hall.service has its own --config: no configuration is moved. To have the package's:
hall: mv /etc/hall/domains.json $STATE/ && chown hall:hall $STATE/domains.json, take that unit away (systemctl edit hall
hall: keeps changes beside it), then systemctl daemon-reload && systemctl restart hall
END
  else
    move_configuration
    if [ -z "$1" ] && [ ! -e "$STATE/domains.json" ]; then
      install -m 600 -o hall -g hall /usr/share/hall/domains.empty.json "$STATE/domains.json"
    fi
  fi
  if [ -f /etc/hall/hall.env ]; then
    chown root:root /etc/hall/hall.env
    chmod 600 /etc/hall/hall.env
  fi
  ! running || /usr/lib/systemd/systemd-sysctl 50-hall.conf || true
}

# What `hallctl setup` wrote for others, each known by its first words.
is_setups() { # FILE FIRST WORDS
  [ -f "$1" ] && head -c 200 "$1" | grep -Fq "$2"
}

PROXY_WORDS="# Made from domains.json by: hallctl"

again() { # VERB SERVICE
  ! running || systemctl "$1" "$2" || true
}

take_nginx_back() {
  is_setups /etc/nginx/conf.d/hall.conf "$PROXY_WORDS" || return 0
  rm -f /etc/nginx/conf.d/hall.conf
  again try-reload-or-restart nginx
}

# Files that another one includes by a line of its own: all of them go, if the proxy accepts what is left.
take_included_back() { # FILES INCLUDER LINE VERB SERVICE CHECK...
  files=$1 includer=$2 line=$3 verb=$4 service=$5
  shift 5
  is_setups "${files%% *}" "$PROXY_WORDS" && [ -f "$includer" ] || return 0
  for file in $files; do
    [ ! -f "$file" ] || mv -f "$file" "$file.purged"
  done
  cp -p "$includer" "$includer.purged"
  sed -i --follow-symlinks "\\|^[[:blank:]]*${line}[[:space:]]*\$|d" "$includer"
  if ! command -v "$1" >/dev/null || "$@" >/dev/null 2>&1; then
    for file in $files $includer; do
      rm -f "$file.purged"
    done
    again "$verb" "$service"
    return 0
  fi
  cat "$includer.purged" >"$includer"
  rm -f "$includer.purged"
  for file in $files; do
    [ ! -f "$file.purged" ] || mv -f "$file.purged" "$file"
  done
  echo "hall: ${files%% *} stays: without it, $service would refuse its configuration. Take what uses it out of $includer" >&2
}

# Without Hall's drop-in nothing listens on the network, so the broker does not become open. It is restarted, because a reload
# would keep the listeners.
take_broker_back() {
  is_setups /etc/mosquitto/conf.d/hall.conf "# Hall's broker: " || return 0
  rm -f /etc/mosquitto/conf.d/hall.conf
  again try-restart mosquitto
  if grep -Eqrs "^[^#]*/etc/mosquitto/(acl|passwords|certs)" /etc/mosquitto/mosquitto.conf /etc/mosquitto/conf.d; then
    echo "hall: acl, passwords and certs in /etc/mosquitto stay: Mosquitto's other configuration uses them" >&2
    return 0
  fi
  rm -f /etc/mosquitto/acl /etc/mosquitto/passwords
  if [ -f /etc/mosquitto/certs/server.names ]; then # which make-certs.sh alone writes
    for file in ca.key ca.crt server.key server.crt server.names; do
      rm -f "/etc/mosquitto/certs/$file"
    done
  fi
}

purged() {
  take_nginx_back
  take_included_back /etc/caddy/hall /etc/caddy/Caddyfile "import hall" try-reload-or-restart caddy \
    caddy validate --adapter caddyfile --config /etc/caddy/Caddyfile
  take_included_back "/etc/haproxy/hall.cfg /etc/haproxy/hall.lua" /etc/default/haproxy \
    'EXTRAOPTS="-S /run/haproxy-master\.sock -f /etc/haproxy/hall\.cfg"' try-restart haproxy \
    haproxy -c -q -f /etc/haproxy/haproxy.cfg
  take_broker_back
  rm -rf "$STATE"
  remove_user hall
}

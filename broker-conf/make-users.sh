#!/usr/bin/env bash
# Makes the broker's password file and its users. Run again at any time: users that exist keep their passwords, and no
# existing password is ever shown (only its hash is stored). New ones are printed once, "NAME PASSWORD", on stdout.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: make-users.sh [--dir DIR] [--user NAME]... [--renew NAME]... | [--dir DIR] --give NAME
  --dir DIR    where the file "passwords" stands; default /etc/mosquitto
  --user NAME  an agent or relay, named as its server or relay; may be repeated
  --renew NAME the same, and it gets a new password if it exists
  --give NAME  one such user alone, new or not, with the password that stands on stdin: 16 to 128 of A-Z a-z 0-9 _ -
The users hall, homeassistant, operator and viewer are always there.
To change a password: mosquitto_passwd DIR/passwords NAME; to remove a user: mosquitto_passwd -D DIR/passwords NAME.
Then: systemctl reload mosquitto
EOF
}

fail() {
  echo "make-users.sh: $*" >&2
  exit 1
}

dir=/etc/mosquitto
users=(hall homeassistant operator viewer)
renewed=()
given=
while [ $# -gt 0 ]; do
  case $1 in
    --dir | --user | --renew | --give)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case $1 in
        --dir) dir=$2 ;;
        --give) given=$2 ;;
        *) users+=("$2") ;;
      esac
      if [ "$1" = --renew ]; then renewed+=("$2"); fi
      shift 2
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "unknown argument \"$1\"; see --help" ;;
  esac
done

for name in "${users[@]}" ${given:+"$given"}; do
  [[ $name =~ ^[a-z0-9_-]{1,64}$ ]] || fail "the user \"$name\" is no name; allowed: 1 to 64 of a-z 0-9 _ -"
done
for name in hall homeassistant operator viewer; do
  [ "$given" != "$name" ] || fail "the user \"$name\" is no agent or relay; to change its password: mosquitto_passwd"
done
password=
if [ -n "$given" ]; then
  IFS= read -r password || true
  [[ $password =~ ^[A-Za-z0-9_-]{16,128}$ ]] || fail "stdin holds no password for $given; allowed: 16 to 128 of A-Z a-z 0-9 _ -"
  users=()
fi
command -v mosquitto_passwd >/dev/null || fail "mosquitto_passwd is missing: apt-get install mosquitto"
[ -d "$dir" ] || fail "the folder $dir does not exist"
[ -w "$dir" ] || fail "the folder $dir cannot be written to; run as root?"

umask 077
exec 9<"$dir"
flock 9 # two at once would forget each other's users
file=$dir/passwords
work=$(mktemp -d "$dir/.passwords.XXXXXX")
trap 'rm -rf "$work"' EXIT
all=$work/all new=$work/new
if [ -e "$file" ]; then cat "$file" >"$all"; else : >"$all"; fi
: >"$new"
for name in "${renewed[@]}"; do sed -i "/^$name:/d" "$all"; done

for name in "${users[@]}"; do
  if grep -q "^$name:" "$new"; then
    continue
  elif grep -q "^$name:" "$all"; then
    echo "$name: exists, kept" >&2
  else
    echo "$name:$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')" >>"$new"
  fi
done

# A given password takes the place of an old one, and is not printed: the caller knows it.
if [ -n "$given" ]; then
  grep -v "^$given:" "$all" >"$work/others" || true
  mv "$work/others" "$all"
  printf '%s:%s\n' "$given" "$password" >"$work/given"
  mosquitto_passwd -U "$work/given"
  cat "$work/given" >>"$all"
fi

# Passwords go through a file that only its owner can read, never through a command line.
if [ -s "$new" ]; then
  cp "$new" "$work/hashed"
  mosquitto_passwd -U "$work/hashed"
  cat "$work/hashed" >>"$all"
fi
chmod 640 "$all"
if [ "$(id -u)" = 0 ] && getent group mosquitto >/dev/null; then chgrp mosquitto "$all"; fi
mv -f "$all" "$file"
tr ':' ' ' <"$new"

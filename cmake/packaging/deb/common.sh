# shellcheck shell=sh
# What the scripts of all packages have in common. In front of it: PACKAGE, and the package's own file.

SYSTEM=/etc/systemd/system
ASIDE=by-hand # what a file is named that an installation by hand left and the package replaces

running() { [ -d /run/systemd/system ]; }

# Is the file, as it is, one that Hall's own manual once had copied there?
is_ours() { # FILE
  if [ ! -f "$1" ] || [ -L "$1" ]; then
    return 1
  fi
  found=$(sha256sum <"$1")
  for sum in $HAND_SUMS; do
    [ "$sum" != "${found%% *}" ] || return 0
  done
  return 1
}

# What an installation by hand left in /etc would win over the package's files. Put aside only if nobody has changed it. That an
# administrator has masked a unit (a link to /dev/null) is no file.
put_aside() {
  for file in $HAND_FILES; do
    if is_ours "$file"; then
      mv -f "$file" "$file.$ASIDE"
    elif [ -f "$file" ]; then
      echo "$PACKAGE: $file stays: it was changed by hand, and wins over the package's file of that name" >&2
    fi
  done
  # Of `systemctl enable`: the package makes its own.
  wants=$SYSTEM/multi-user.target.wants/$PACKAGE.service
  if [ -L "$wants" ] && [ ! -e "$SYSTEM/$PACKAGE.service" ] && [ "$(readlink "$wants")" = "$SYSTEM/$PACKAGE.service" ]; then
    rm -f "$wants"
  fi
}

make_places() {
  [ ! -e "/usr/lib/sysusers.d/$PACKAGE.conf" ] || systemd-sysusers "$PACKAGE.conf"
  systemd-tmpfiles --create "$PACKAGE.conf"
}

# Enabled when it is installed first; later it is what the administrator made of it.
start_service() {
  if deb-systemd-helper --quiet was-enabled "$PACKAGE.service"; then
    deb-systemd-helper enable "$PACKAGE.service" >/dev/null || true
  else
    deb-systemd-helper update-state "$PACKAGE.service" >/dev/null || true
  fi
  running || return 0
  systemctl --system daemon-reload >/dev/null || true
  deb-systemd-invoke restart "$PACKAGE.service" >/dev/null || true
}

# Whoever else lives in /etc/hall keeps what is his; the last takes the folder along.
leave_etc() {
  for file in $OWN_FILES; do
    rm -rf "/etc/hall/$file"
  done
  for file in $HAND_FILES; do
    rm -f "$file.$ASIDE"
  done
  for other in hall hall-agent hall-wol; do
    if [ "$other" != "$PACKAGE" ] && dpkg-query -W -f '${Status}' "$other" 2>/dev/null | grep -Eq ' (installed|config-files)$'; then
      return 0
    fi
  done
  for file in domains.json hall.env agent.json agent.env relay.json relay.env; do
    [ ! -e "/etc/hall/$file" ] || return 0
  done
  rm -rf /etc/hall
}

remove_user() { # NAME
  ! getent passwd "$1" >/dev/null || userdel "$1" || true
  ! getent group "$1" >/dev/null || groupdel "$1" || true
}

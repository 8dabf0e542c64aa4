# shellcheck shell=sh
# An upgrade restarts it at its end. Before an older version comes it must have ended, so that its files are whole.
if running; then
  if [ "$1" = remove ] || { [ "$1" = upgrade ] && dpkg --compare-versions "$2" lt "$(dpkg-query -W -f '${Version}' "$PACKAGE")"; }; then
    deb-systemd-invoke stop "$PACKAGE.service" || true
  fi
fi

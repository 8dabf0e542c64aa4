# shellcheck shell=sh
if [ "$1" = purge ]; then
  deb-systemd-helper purge "$PACKAGE.service" >/dev/null || true
  purged
  leave_etc
fi
! running || systemctl --system daemon-reload >/dev/null || true

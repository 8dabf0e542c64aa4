# shellcheck shell=sh disable=SC2034 # used by common.sh
# The package hall-wol; see common.sh.

# The unit as docs/RELAY.md had it copied.
HAND_FILES="/etc/systemd/system/hall-wol.service /etc/systemd/system/hall-wol.service.d/growing-pauses.conf"
HAND_SUMS="505e977027273b01ce17e04393ae6fb0dc14cc5253e4779280cde2f0aae72c48
f90baca3da04cfea3d7094f99c82b72dd1406eac01295dee81f64936ff803882"
OWN_FILES="relay.json relay.env"

before_unpacking() { :; }
after_unpacking() { :; }
purged() { :; }

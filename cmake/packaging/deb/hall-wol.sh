# shellcheck shell=sh disable=SC2034 # used by common.sh
# The package hall-wol; see common.sh.

# The unit as docs/RELAY.md had it copied, in each of its versions, and the drop-in.
HAND_FILES="/etc/systemd/system/hall-wol.service /etc/systemd/system/hall-wol.service.d/growing-pauses.conf"
HAND_SUMS="505e977027273b01ce17e04393ae6fb0dc14cc5253e4779280cde2f0aae72c48
cdf52b4fe55e9645189044ca77670433d0efa38476dcdf955f67497f8e0b9023
440f824f962346aa7febea41edce14694b661299efcdce1916f0a70a2e894159
f90baca3da04cfea3d7094f99c82b72dd1406eac01295dee81f64936ff803882"
OWN_FILES="relay.json relay.env"

before_unpacking() { :; }
after_unpacking() { :; }
purged() { :; }

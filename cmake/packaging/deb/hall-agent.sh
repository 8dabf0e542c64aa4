# shellcheck shell=sh disable=SC2034 # used by common.sh
# The package hall-agent; see common.sh.

# The unit and the rule as docs/AGENT.md had them copied, in each of their versions.
HAND_FILES="/etc/systemd/system/hall-agent.service /etc/systemd/system/hall-agent.service.d/growing-pauses.conf
/etc/polkit-1/rules.d/50-hall-agent.rules"
HAND_SUMS="9e23bdd11ae8029dabcfee5ce6eb4d7680d78f556499d96869058a1b1691f163
14d48032ec986a017e68893737a3b7cbfb9eb85a6a431fc3b3e71d56ac07369a
72565d11cade523e3897a4d4633320128681f62da11a9649d2de4038a95b281d
ccc957b4bcace93f23fb446d811cfe1ef903fe878edbab937a808094584d2f9b
025615711ef10092a51c306ed1fd9c9ce59dfea67077dd173f7a22b7dbb47b01
f90baca3da04cfea3d7094f99c82b72dd1406eac01295dee81f64936ff803882
dd989328d623e67ec748f087a1c7ea3363df6e7d9371c582da263b3cc94eed85"
OWN_FILES="agent.json agent.env"

before_unpacking() { :; }
after_unpacking() { :; }
purged() { remove_user hall-agent; }

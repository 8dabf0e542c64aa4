"""What stands in for other machines, for a running systemd and for the internet where the commands of the documents are typed."""

import re

# What goes on until it is ended, and is therefore typed in a second terminal.
LISTENERS = re.compile(r"\s*(?:sudo )?(?:mosquitto_sub|hallctl watch|journalctl .*-f|tcpdump)\b")

SAY = 'echo "stand-in: ${0##*/} $*"\n'

# name: (why, script)
STAND_INS = {
    "sudo": ("the test is root already; -u becomes that user", r"""
if [ "$1" = -u ]; then user=$2; shift 2; exec setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; fi
exec "$@"
"""),
    "sudoedit": ("nobody sits there to edit", SAY + 'test -e "$1"\n'),
    "systemctl": ("no systemd runs in a namespace", SAY),
    "journalctl": ("no systemd runs in a namespace", SAY),
    "apt": ("installs on the whole machine", SAY),
    "apt-get": ("installs on the whole machine", SAY),
    "rsync": ("needs another machine", SAY),
    "restic": ("needs a backup of one's own", SAY),
    "ssh-keyscan": ("needs another machine", SAY),
    "tcpdump": ("there is no card eno1", SAY),
    "ethtool": ("there is no card eno1", SAY + 'echo "	Supports Wake-on: pumbg"\n'),
    "certbot": ("needs the internet: a certificate of one's own where Let's Encrypt's would be", SAY + r"""
while [ "$1" != -d ]; do shift; done
folder=/etc/letsencrypt/live/$2
mkdir -p "$folder"
exec openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$2" -keyout "$folder/privkey.pem" \
  -out "$folder/fullchain.pem" 2>/dev/null
"""),
    # These end with the first message: nobody sits there to end them.
    "mosquitto_sub": ("ends", r"""
more=()
[[ " $* " == *" -C "* ]] || more+=(-C 1)
[[ " $* " == *" -W "* ]] || more+=(-W 60)
exec /usr/bin/mosquitto_sub "$@" "${more[@]}"
"""),
    "hallctl": ("ends", r"""
more=()
[[ $1 != watch || " $* " == *" --limit "* ]] || more+=(--limit 1)
exec "$PROGRAMS/hallctl" "$@" "${more[@]}"
"""),
    "run.sh": ("builds and stays; tests of its own run it", 'exec build/bin/hall "$@" --check\n'),
}
